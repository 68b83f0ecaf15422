"""fairseq loads no pickle that runs code, though it leaves the choice to torch and torch to the environment."""

import importlib
import pickle
from argparse import Namespace

import pytest
import torch
from fairseq import checkpoint_utils

from janus.plugin import safe_loading


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_runs_code_is_refused_whatever_the_environment_says(zipped, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    importlib.reload(safe_loading)
    path = tmp_path / "checkpoint.pt"
    torch.save({"model": {}, "args": Namespace(x=1)}, path, _use_new_zipfile_serialization=zipped)
    assert checkpoint_utils.torch.load(path)["args"].x == 1
    torch.save({"model": Evil()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(pickle.UnpicklingError):
        checkpoint_utils.load_checkpoint_to_cpu(str(path))
