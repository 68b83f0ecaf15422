"""Which checkpoints are averaged, and averages that are older than they."""

import os

import pytest

from janus.errors import InputError
from janus.files import write_json
from janus.training.averaged_checkpoints import chosen_checkpoints, stale_average


def test_the_last_epochs_are_averaged_in_the_order_of_numbers(tmp_path):
    for name in ("checkpoint9.pt", "checkpoint10.pt", "checkpoint11.pt", "checkpoint_last.pt", "checkpoint_1_5.pt"):
        (tmp_path / name).touch()
    chosen = chosen_checkpoints(tmp_path, average=True, count=2)
    assert [path.name for path in chosen] == ["checkpoint10.pt", "checkpoint11.pt"]


def test_without_averaging_the_best_is_decoded(tmp_path):
    with pytest.raises(InputError, match="no best checkpoint"):
        chosen_checkpoints(tmp_path, average=False, count=1)
    (tmp_path / "checkpoint_best.pt").touch()
    assert chosen_checkpoints(tmp_path, average=False, count=1) == [tmp_path / "checkpoint_best.pt"]


def test_too_few_epochs_are_an_error(tmp_path):
    (tmp_path / "checkpoint1.pt").touch()
    with pytest.raises(InputError, match="1 epoch checkpoints to average, 5 needed"):
        chosen_checkpoints(tmp_path, average=True, count=5)


@pytest.fixture
def run(tmp_path):
    """A run of two epochs: checkpoints of times 1, 2 and 2, the record of the training of 3, the average of 4."""
    (tmp_path / "checkpoints").mkdir()
    for name, time in (("1", 1), ("2", 2), ("_last", 2)):
        put(tmp_path / f"checkpoints/checkpoint{name}.pt", time)
    put(tmp_path / "train.json", 3)
    write_json(tmp_path / "averaged.json", {"checkpoints": {"checkpoint1.pt": "aa", "checkpoint2.pt": "bb"}})
    put(tmp_path / "averaged.pt", 4)
    return tmp_path


def put(path, time):
    path.touch()
    os.utime(path, (time, time))


@pytest.mark.parametrize("name", ["checkpoint2.pt", "checkpoint3.pt"])
def test_an_average_that_is_older_than_a_checkpoint_of_it_is_stale(run, name):
    assert stale_average(run) is None
    put(run / "checkpoints" / name, 5)
    assert str(stale_average(run)).startswith(
        f"{run}/averaged.pt: checkpoints/{name} was written after it, which is the mean of checkpoint1.pt, "
        f"checkpoint2.pt; remove it and run once with --forcerun {run}/averaged.pt"
    )


def test_of_one_that_is_the_best_only_the_best_counts(run):
    write_json(run / "averaged.json", {"checkpoints": {"checkpoint_best.pt": "aa"}})
    put(run / "checkpoints/checkpoint2.pt", 5)
    assert stale_average(run) is None
    put(run / "checkpoints/checkpoint_best.pt", 5)
    assert "checkpoint_best.pt was written after it" in str(stale_average(run))


def test_a_record_that_cannot_be_read_is_said(run):
    (run / "averaged.json").write_text("")
    assert "averaged.json:1: not JSON" in str(stale_average(run))


@pytest.mark.parametrize("missing", ["train.json", "averaged.json", "averaged.pt"])
def test_what_is_made_anew_by_itself_is_not_stale(run, missing):
    put(run / "checkpoints/checkpoint2.pt", 5)
    (run / missing).unlink()
    assert stale_average(run) is None


def test_neither_is_one_whose_training_went_on_nor_one_without_checkpoints(run):
    (run / "checkpoints/checkpoint1.pt").unlink()
    assert stale_average(run) is None
    put(run / "checkpoints/checkpoint2.pt", 5)
    put(run / "train.json", 6)
    assert stale_average(run) is None
