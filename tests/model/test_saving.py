"""Equal trainings give equal files, whatever interrupted them and wherever they lie; no room is one line."""

import subprocess
import sys
from argparse import Namespace

import pytest
import torch

from janus.model.averaging import average_checkpoints, digest_of_weights
from janus.model.checkpoints import read_checkpoint
from janus.training.run import train

JANUS = ("--task", "janus", "--arch", "janus_transformer", "--criterion", "janus")


def test_a_resumed_training_is_averaged_to_the_same_bytes(training_options, tmp_path, monkeypatch):
    """Two trainings in folders of one name, as the two runs of a comparison have them; one is resumed twice."""
    averaged = []
    for name, ends in (("unbroken", (18,)), ("resumed", (6, 12, 18))):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        for end in ends:
            train(training_options("checkpoints", *JANUS, "--max-update", str(end)), log=tmp_path / name / "log.jsonl")
        last = tmp_path / name / "checkpoints" / "checkpoint_last.pt"
        # The training's options name its end, which is the same in a run that was killed.
        output = tmp_path / f"{name}.pt"
        digests = average_checkpoints([last], output)
        averaged.append((output.read_bytes(), digests))
        assert len(read_checkpoint(last)["optimizer_history"]) == len(ends)
    assert averaged[0] == averaged[1]


def test_the_digest_of_weights_tells_names_types_shapes_and_values():
    weights = {"b": torch.arange(6.0).view(2, 3), "a": torch.tensor(1)}
    digest = digest_of_weights(weights)
    assert digest == digest_of_weights({"a": weights["a"], "b": weights["b"].t().contiguous().t()})
    for other in (
        {"b": weights["b"]},
        {**weights, "a": torch.tensor(2)},
        {**weights, "b": weights["b"].view(3, 2)},
        {**weights, "b": weights["b"].view(torch.int32)},
        {"c": weights["b"], "a": weights["a"]},
    ):
        assert digest_of_weights(other) != digest


def test_clocks_and_ports_are_left_out(tmp_path):
    def state(seconds, port):
        return {
            "args": None,
            "cfg": {"model": Namespace(arch="x"), "distributed_training": {"distributed_init_method": port, "a": 1}},
            "model": {"w": torch.ones(3)},
            "optimizer_history": [{"num_updates": 3, "lr_scheduler_state": {"best": seconds}}],
            "extra_state": {"metrics": {"wall": seconds}, "previous_training_time": seconds, "val_loss": 2.0},
        }

    for name, words in (("a", (1.5, "tcp://localhost:1")), ("b", (2.5, "tcp://localhost:2"))):
        torch.save(state(*words), tmp_path / f"{name}-long.pt")
        average_checkpoints([tmp_path / f"{name}-long.pt"], tmp_path / f"{name}.pt")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    kept = read_checkpoint(tmp_path / "a.pt")
    assert kept["extra_state"] == {"val_loss": 2.0} and kept["optimizer_history"][0]["num_updates"] == 3


@pytest.mark.slow
def test_no_room_is_one_line(tmp_path):
    torch.save({"model": {"w": torch.zeros(300, 300)}, "extra_state": {}}, tmp_path / "checkpoint.pt")
    code = """
import resource, sys
from pathlib import Path
from janus.errors import InputError
from janus.model.averaging import average_checkpoints
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    average_checkpoints([folder / "checkpoint.pt"], folder / "averaged.pt")
except InputError as error:
    print("one line:", error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.startswith("one line:") and "averaged.pt: cannot be written (File too large)" in done.stdout
    assert done.stdout.count("\n") == 1 and [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
