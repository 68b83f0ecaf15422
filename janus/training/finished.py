"""Whether a training is complete, from its last checkpoint and its command line, without starting fairseq."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.model.checkpoints import read_checkpoint

# Schedules of fairseq whose learning rate depends on the total, so that more updates change all earlier ones, unless
# the option named here sets their length.
_PLANNED = {"cosine": "--lr-period-updates", "polynomial_decay": "--total-num-update", "tri_stage": "--hold-steps"}


def is_finished(arguments: Sequence[str]) -> bool:
    """Whether the training described by fairseq's `arguments` is complete.

    fairseq itself checks this only after an update, so each restart of a finished training would make one more. The
    limits are `--max-update`, `--max-epoch` and `--patience` (0 or absent: none); the progress is that of
    `checkpoint_last.pt` under `--save-dir`, without which a training has not begun. Raises InputError if that file is
    not readable, or does not contain its progress.
    """
    last = Path(_value(arguments, "--save-dir", "checkpoints")) / "checkpoint_last.pt"
    if not last.is_file():
        return False
    state = read_checkpoint(last)
    names = ("--max-update", "--max-epoch", "--patience")
    max_update, max_epoch, patience = (int(_value(arguments, name, "0")) for name in names)
    return (
        0 < max_update <= updates_of(state, last)
        or 0 < max_epoch < next_epoch_of(state, last)
        or 0 < patience <= validations_without_gain(state)
    )


def updates_of(state: dict[str, Any], path: Path) -> int:
    """The number of updates of the checkpoint `path` with the content `state`. Raises InputError if it has none."""
    return _progress(state, path, "optimizer_history", -1, "num_updates")


def next_epoch_of(state: dict[str, Any], path: Path) -> int:
    """The epoch, from 1, with which a training resumed from the checkpoint continues; errors as in `updates_of`."""
    return _progress(state, path, "extra_state", "train_iterator", "epoch")


def _progress(state: dict[str, Any], path: Path, *steps: str | int) -> int:
    value: Any = state
    try:
        for step in steps:
            value = value[step]
        return int(value)
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"is not a training checkpoint ({steps[0]} does not say how far it got)",
            where=path,
            fix="move it out of the folder and run again",
        ) from error


def validations_without_gain(state: dict[str, Any]) -> int:
    """The number of consecutive validations without an improvement (`janus.plugin.patience`)."""
    kept = (part.get("patience") for part in (state.get("extra_state") or {}).values() if isinstance(part, dict))
    runs = (remembered.get("num_runs", 0) for remembered in kept if isinstance(remembered, dict))
    return max((count for count in runs if isinstance(count, int)), default=0)


def extends_exactly(arguments: Sequence[str]) -> bool:
    """Whether continuing with a larger `--max-update` is the same as starting with it.

    This holds if the learning rate of an update does not depend on later ones (`fixed`, `inverse_sqrt`, …).
    """
    length = _PLANNED.get(_value(arguments, "--lr-scheduler", "fixed"))
    return length is None or _value(arguments, length, "") != ""


def _value(arguments: Sequence[str], option: str, default: str) -> str:
    """The value of an option, in either spelling; if it is repeated, the last counts, as in argparse."""
    found = default
    for word, following in zip(arguments, [*arguments[1:], default]):
        name, equals, value = str(word).partition("=")
        if name == option:
            found = value if equals else str(following)
    return found
