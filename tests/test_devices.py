"""What a job says about its device before it begins."""

from types import SimpleNamespace

import pytest
import torch

import janus.training.run as training
from janus.devices import bfloat16_warning, require_device
from janus.errors import InputError


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_a_device_that_torch_does_not_know_is_one_line(device):
    with pytest.raises(InputError, match=f"device {device}: unknown device; use cpu, cuda or cuda:<number>"):
        require_device(device)


def test_a_processor_is_there():
    require_device("cpu")


@pytest.mark.parametrize("supported", [True, False])
def test_a_processor_without_bfloat16_is_said_to_be_slow(monkeypatch, supported):
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(_is_mkldnn_bf16_supported=lambda: supported))
    warning = bfloat16_warning()
    assert warning is None if supported else "set `training.precision: float32`" in warning


@pytest.mark.parametrize(("words", "warned"), [(["--cpu", "--autocast", "bfloat16"], True), (["--cpu"], False)])
def test_a_training_says_so_before_it_begins(monkeypatch, tmp_path, capsys, words, warned):
    monkeypatch.setattr(training, "bfloat16_warning", lambda: "slow")
    monkeypatch.setattr(training, "is_finished", lambda argv: False)
    monkeypatch.setattr(training, "_running", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        training.train([*words, "--save-dir", str(tmp_path)], log=tmp_path / "log", name="row")
    assert ("row: slow" in capsys.readouterr().err) == warned
