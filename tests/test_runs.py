"""The folder of one training: what may be resumed, what is decoded."""

import pytest

from janus.errors import InputError
from janus.runs import chosen_checkpoints, open_run


def test_a_run_resumes_under_the_same_identity_alone(tmp_path):
    folder = tmp_path / "checkpoints"
    assert not open_run(folder, {"arguments": ["--lr", "1"], "data": "a"})
    (folder / "checkpoint_last.pt").touch()
    assert open_run(folder, {"arguments": ["--lr", "1"], "data": "a"})
    assert (folder / "checkpoint_last.pt").exists()
    assert not open_run(folder, {"arguments": ["--lr", "2"], "data": "a"})
    assert not (folder / "checkpoint_last.pt").exists()


def test_a_folder_without_identity_is_not_trusted(tmp_path):
    (tmp_path / "checkpoint_last.pt").touch()
    assert not open_run(tmp_path, {"a": 1})
    assert not (tmp_path / "checkpoint_last.pt").exists()


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
    with pytest.raises(InputError, match="1 epoch checkpoints to average, 5 wanted"):
        chosen_checkpoints(tmp_path, average=True, count=5)
