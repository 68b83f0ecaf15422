"""After an interruption: what was cut short is renamed, what cannot be read stays and ends the job."""

import subprocess
import sys
from argparse import Namespace

import numpy
import pytest
import torch

from janus.errors import InputError
from janus.training.finished import is_finished
from janus.training.recovery import repair_checkpoints


def save(path, updates=1, loss=2.0, best=None, **more):
    extra = {"val_loss": loss, "best": loss if best is None else best}
    state = {"model": {"w": torch.full((4, 4), float(updates))}, "optimizer_history": [{"num_updates": updates}]}
    torch.save({**state, "args": Namespace(arch="x"), "extra_state": extra, **more}, path)


def updates(path) -> int:
    return torch.load(path, weights_only=False)["optimizer_history"][-1]["num_updates"]


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_cut_short_files_are_renamed_and_the_newest_whole_one_is_the_last(tmp_path, capsys):
    save(tmp_path / "checkpoint2.pt", 2)
    save(tmp_path / "checkpoint10.pt", 10, best=1.0)
    for name in ("best", "last"):
        save(tmp_path / f"checkpoint_{name}.pt", 10)
        cut(tmp_path / f"checkpoint_{name}.pt")
    repair_checkpoints(tmp_path)
    assert updates(tmp_path / "checkpoint_last.pt") == 10
    kept = ["checkpoint10.pt", "checkpoint2.pt", "checkpoint_best.pt.damaged", "checkpoint_last.pt"]
    assert names(tmp_path) == [*kept, "checkpoint_last.pt.damaged"]
    assert capsys.readouterr().err.count("was cut short") == 2
    # A second time, beside what the first left.
    (tmp_path / "checkpoint_last.pt").write_bytes(b"")
    repair_checkpoints(tmp_path)
    assert "checkpoint_last.pt.damaged-2" in names(tmp_path) and updates(tmp_path / "checkpoint_last.pt") == 10


def test_the_best_is_not_lost_with_its_copy(tmp_path):
    """The kill came while the very first checkpoint was copied: without it no later epoch might ever be better."""
    save(tmp_path / "checkpoint1.pt", 5)
    save(tmp_path / "checkpoint_best.pt", 5)
    cut(tmp_path / "checkpoint_best.pt")
    repair_checkpoints(tmp_path)
    assert updates(tmp_path / "checkpoint_best.pt") == updates(tmp_path / "checkpoint_last.pt") == 5


def test_whole_checkpoints_stay_as_they_are(tmp_path):
    for name, count in (("1", 1), ("_best", 1), ("_last", 2)):
        save(tmp_path / f"checkpoint{name}.pt", count)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    repair_checkpoints(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("with_last", [True, False])
def test_an_unknown_class_ends_the_job_and_deletes_nothing(tmp_path, with_last):
    for name in ("1", "2", "_last" if with_last else "3"):
        save(tmp_path / f"checkpoint{name}.pt", more=numpy.float64(1))
    save(tmp_path / "checkpoint_best.pt")
    cut(tmp_path / "checkpoint_best.pt")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError) as error:
        repair_checkpoints(tmp_path)
    assert "\n" not in str(error.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_flipped_byte_ends_the_job_and_deletes_nothing(tmp_path):
    save(tmp_path / "checkpoint1.pt")
    save(tmp_path / "checkpoint_last.pt", 3)
    content = bytearray((tmp_path / "checkpoint_last.pt").read_bytes())
    content[content.index(b"\0\0\x40\x40" * 4) + 1] ^= 1
    (tmp_path / "checkpoint_last.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoint_last.pt: .*damaged: .*data/"):
        repair_checkpoints(tmp_path)
    assert names(tmp_path) == ["checkpoint1.pt", "checkpoint_last.pt"]


@pytest.mark.slow
def test_want_of_memory_ends_the_job_and_deletes_nothing(tmp_path):
    for name in ("1", "_last"):
        save(tmp_path / f"checkpoint{name}.pt", big=torch.zeros(60, 1 << 20))
    code = f"""
import resource
from pathlib import Path
from janus.training.finished import is_finished
from janus.training.recovery import repair_checkpoints
from janus.errors import InputError
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000,) * 2)
try:
    repair_checkpoints(Path({str(tmp_path)!r}))
except InputError as error:
    print("one line:", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("one line:") and done.stdout.count("\n") == 1, done.stderr
    assert names(tmp_path) == ["checkpoint1.pt", "checkpoint_last.pt"]


def test_another_kind_of_file_is_not_renamed(tmp_path):
    (tmp_path / "checkpoint_last.pt").write_text("<html>not found</html>")
    with pytest.raises(InputError):
        repair_checkpoints(tmp_path)
    assert names(tmp_path) == ["checkpoint_last.pt"]


@pytest.mark.parametrize("place", ["checkpoint_last.pt", "checkpoint3.pt"])
def test_what_is_no_file_stays_and_is_one_line(place, tmp_path):
    (tmp_path / place).mkdir()
    with pytest.raises(InputError, match=f"{place}: is not a file; move it away and run again"):
        repair_checkpoints(tmp_path)
    assert names(tmp_path) == [place]


@pytest.mark.parametrize(
    "changed", [{"optimizer_history": []}, {"optimizer_history": None}, {"optimizer_history": [{}]}]
)
def test_a_checkpoint_that_does_not_tell_its_progress_stays_and_is_one_line(changed, tmp_path):
    save(tmp_path / "checkpoint_last.pt", **changed)
    for check in (repair_checkpoints, lambda folder: is_finished(["--save-dir", str(folder), "--max-update", "9"])):
        with pytest.raises(InputError, match="checkpoint_last.pt: is not a training checkpoint .optimizer_history"):
            check(tmp_path)
    assert names(tmp_path) == ["checkpoint_last.pt"]


def test_an_epoch_that_is_not_told_is_one_line(tmp_path):
    save(tmp_path / "checkpoint_last.pt")
    with pytest.raises(InputError, match="checkpoint_last.pt: is not a training checkpoint .extra_state does not"):
        is_finished(["--save-dir", str(tmp_path), "--max-epoch", "9"])
