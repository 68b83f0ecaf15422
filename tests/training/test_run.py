"""fairseq-train with the plugin, as a user runs it: resuming, baselines, bad input."""

import importlib.util
import io
import os
import re

import pytest
import torch
from validation_words import validate

from janus.errors import InputError
from janus.methods.base.loading import load_model
from janus.model.checkpoints import read_checkpoint
from janus.training.logs import read_curves
from janus.training.run import train
from janus.training.tensorboard import tensorboard_words

JANUS = ("--task", "janus", "--arch", "janus_transformer", "--criterion", "janus")


def inner_losses(log) -> dict[str, str]:
    """The loss of each update as fairseq printed it."""
    from janus.files import read_lines
    from janus.training.logs import parse_line

    parsed = filter(None, map(parse_line, read_lines(log)))
    return {values["num_updates"]: values["loss"] for kind, values in parsed if kind == "train_inner"}


def test_resumed_equals_unbroken(training_options, trained, tmp_path):
    """Stopped in the middle of an epoch and continued: every loss and every weight is that of the unbroken run."""
    words = training_options(tmp_path, *JANUS, *validate("ar", "nar"))
    train([*words, "--max-update", "5"], log=tmp_path / "log.jsonl")
    train([*words, "--max-update", "14"], log=tmp_path / "log.jsonl")
    assert inner_losses(tmp_path / "log.jsonl") == inner_losses(trained / "log.jsonl")
    ours, theirs = (read_checkpoint(f / "checkpoint_last.pt")["model"] for f in (tmp_path, trained))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def test_curves(trained):
    rows = read_curves(trained / "log.jsonl")
    names = {(row["split"], row["name"]) for row in rows}
    assert {("train", f"loss_{s}") for s in ("ar", "nar", "aux", "length", "kl_ar_aux", "kl_nar_aux")} <= names
    assert {("valid", "bleu_ar"), ("valid", "bleu_nar"), ("valid", "loss")} <= names
    last = [row for row in rows if row["split"] == "valid" and row["name"] == "loss_ar"]
    assert last[-1]["updates"] == 14 and last[-1]["value"] < last[0]["value"]


@pytest.mark.parametrize(
    ("words", "manner"),
    [
        (["--task", "janus_ar_baseline", "--arch", "transformer", "--criterion", "label_smoothed_cross_entropy"], "ar"),
        (
            [
                "--task",
                "janus_cmlm_baseline",
                "--arch",
                "cmlm_transformer",
                "--criterion",
                "nat_loss",
                "--noise",
                "random_mask",
                "--apply-bert-init",
            ],
            "nar",
        ),
        (
            [
                *JANUS,
                "--autocast",
                "bfloat16",
                "--method",
                "correction",
                "--method-options",
                "{losses: {ar: 1, nar: 1, aux: 1, kl_ar_aux: 2, correction: 1, length: 0.1}, encoder_passes: 2, "
                "query_position: previous, masking: {kind: uniform}}",
                "--update-freq",
                "2",
            ],
            "ar,nar",
        ),
    ],
)
def test_every_method_trains_and_decodes(training_options, tmp_path, words, manner):
    train(
        training_options(
            tmp_path, *words, "--label-smoothing", "0.1", *validate(*manner.split(",")), "--max-update", "3"
        ),
        log=tmp_path / "log.jsonl",
    )
    logged = {row["name"] for row in read_curves(tmp_path / "log.jsonl") if row["split"] == "valid"}
    assert {f"bleu_{m}" for m in manner.split(",")} <= logged
    config = load_model(tmp_path / "checkpoint_last.pt").config
    assert config.ar_readout == ("query" if words[1] == "janus" else "content")


WRITER = """
class SummaryWriter:
    def __init__(self, folder):
        import os
        os.makedirs(folder)
        self._file = open(os.path.join(folder, "scalars"), "w")
    def add_text(self, *words): pass
    def add_scalar(self, name, value, step): print(name, step, float(value), file=self._file)
    def flush(self): self._file.flush()
    def close(self): self._file.close()
"""


def test_losses_and_bleu_are_shown_while_it_runs(training_options, tmp_path, monkeypatch):
    (tmp_path / "packages/tensorboardX").mkdir(parents=True)
    (tmp_path / "packages/tensorboardX/__init__.py").write_text(WRITER)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"), prepend=os.pathsep)
    report = io.StringIO()
    words = [*tensorboard_words(True, tmp_path / "board"), *validate("ar", "nar"), "--max-update", "3"]
    train(training_options(tmp_path, *JANUS, *words), log=tmp_path / "log.jsonl", report=report)
    assert re.search(
        r"^validation, update 3 of 3: bleu [\d.]+, loss [\d.]+, bleu_ar [\d.]+, bleu_nar", report.getvalue(), re.M
    )
    valid = (tmp_path / "board/valid/scalars").read_text()
    inner = (tmp_path / "board/train_inner/scalars").read_text()
    assert {"bleu_ar", "bleu_nar", "loss"} <= {line.split()[0] for line in valid.splitlines()}
    assert {"loss_ar", "loss_kl_ar_aux"} <= {line.split()[0] for line in inner.splitlines()}


def test_without_a_writer_nothing_is_trained(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert tensorboard_words(False, tmp_path) == []
    with pytest.raises(InputError, match="tensorboard: is not installed; pip install tensorboard, or set"):
        tensorboard_words(True, tmp_path)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--max-source-positions", "6"], "train|valid.*the model's limit is 6"),
        (["--valid-decodings", "[{manner: sideways}]"], "unknown manner 'sideways'"),
        (["--method", "joined"], "unknown method 'joined' .did you mean 'joint'"),
    ],
)
def test_bad_input_ends_with_one_line(training_options, tmp_path, more, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        train(training_options(tmp_path, *JANUS, *more, "--max-update", "2"), log=tmp_path / "log.jsonl")
    assert "\n" not in str(error.value)
