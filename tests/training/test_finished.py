"""A finished training is recognised without starting fairseq."""

import pytest
import torch

from janus.errors import InputError
from janus.training.finished import extends_exactly, is_finished


def arguments(folder, *more: str) -> list[str]:
    return ["data", "--save-dir", str(folder), *more]


@pytest.fixture
def stopped(tmp_path):
    """A checkpoint after 60 updates, in the middle of epoch 3."""
    iterator = {"version": 2, "epoch": 3, "iterations_in_epoch": 4, "shuffle": True}
    history = [{"num_updates": 20}, {"num_updates": 60}]
    state = {"model": {}, "optimizer_history": history, "extra_state": {"train_iterator": iterator}}
    torch.save(state, tmp_path / "checkpoint_last.pt")
    return tmp_path


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (["--max-update", "60"], True),
        (["--max-update", "59"], True),
        (["--max-update=60"], True),
        (["--max-update", "61"], False),
        (["--max-update", "0"], False),
        ([], False),
        (["--max-update", "60", "--max-update", "90"], False),
        (["--max-epoch", "2"], True),
        (["--max-epoch", "3"], False),
        (["--max-epoch", "0", "--max-update", "61"], False),
        (["--max-epoch", "2", "--max-update", "90"], True),
    ],
)
def test_limits(stopped, limits, expected):
    assert is_finished(arguments(stopped, *limits)) is expected


def test_a_training_that_has_not_begun(tmp_path):
    assert not is_finished(arguments(tmp_path, "--max-update", "1"))


def test_a_broken_checkpoint_says_so(tmp_path):
    (tmp_path / "checkpoint_last.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="not a readable checkpoint"):
        is_finished(arguments(tmp_path, "--max-update", "1"))


def test_what_fairseq_writes(trained):
    """The toy training of 14 updates, as fairseq left it."""
    assert is_finished(arguments(trained, "--max-update", "14"))
    assert not is_finished(arguments(trained, "--max-update", "15"))


def test_schedules_that_more_updates_change():
    assert extends_exactly([]) and extends_exactly(["--lr-scheduler", "inverse_sqrt"])
    assert not extends_exactly(["--lr-scheduler", "polynomial_decay"])
    assert not extends_exactly(["--lr-scheduler=cosine"])
    assert extends_exactly(["--lr-scheduler=cosine", "--lr-period-updates", "100"])
    assert extends_exactly(["--lr-scheduler", "polynomial_decay", "--total-num-update=100"])
