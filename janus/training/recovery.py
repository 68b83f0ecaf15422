"""Recovery of checkpoints after an interruption: truncated files are renamed, and nothing is deleted."""

import shutil
import sys
from pathlib import Path
from typing import IO, Any

from janus.files import atomic_path
from janus.model.checkpoints import read_checkpoint
from janus.model.zip_integrity import is_cut_short
from janus.training.finished import updates_of


def repair_checkpoints(folder: Path, *, terminal: IO[str] | None = None) -> None:
    """Rename truncated checkpoints, and replace the last checkpoint by the newest complete one.

    fairseq writes one file safely and copies it to the other names, where a kill can leave a truncated file. Such a
    file gets the suffix `.damaged`, and one line on `terminal` (stderr by default) says so. A checkpoint that cannot be
    read for any other reason (memory, an unknown class, a checksum) raises InputError, and no file is changed.
    """
    terminal = terminal or sys.stderr
    paths = sorted(Path(folder).glob("checkpoint*.pt"))
    damaged = [path for path in paths if is_cut_short(path)]
    whole = [path for path in paths if path not in damaged]
    last, best = (Path(folder) / f"checkpoint_{name}.pt" for name in ("last", "best"))
    # Before anything is renamed, so that an error leaves the folder unchanged.
    states = {path: _progress(path) for path in ([last] if last in whole else whole)}
    for path in damaged:
        aside = _free_name(path)
        path.rename(aside)
        print(f"{path}: was cut short, and is now {aside.name}", file=terminal)
    if not states:
        return
    newest = max(states, key=lambda path: states[path]["updates"])
    if newest != last:
        _copy(newest, last)
    if best in damaged and states[newest]["is_best"]:
        _copy(newest, best)


def _progress(path: Path) -> dict[str, Any]:
    """The progress of the training of a checkpoint, and whether it was the best so far."""
    state = read_checkpoint(path)
    extra = state.get("extra_state") or {}
    return {
        "updates": updates_of(state, path),
        "is_best": extra.get("val_loss") is not None and extra.get("val_loss") == extra.get("best"),
    }


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as partial:
        shutil.copyfile(source, partial)


def _free_name(path: Path) -> Path:
    number = 1
    aside = path.with_name(f"{path.name}.damaged")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    return aside
