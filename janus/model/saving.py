"""Writing checkpoints: the same bytes for the same content, and a one-line error on a full disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from janus.files import atomic_path

# The entries next to the weights that fairseq reads when it starts from them; meters contain wall times.
_KEPT_STATE = ("train_iterator", "val_loss", "best")


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint atomically. Raises InputError if it cannot be written, for instance on a full disk.

    It is written through a stream, since torch would name the records after the path, which contains a process id, and
    would hide the reason of a failed write.
    """
    with atomic_path(path) as partial, open(partial, "wb") as stream:
        try:
            torch.save(state, stream)
        except RuntimeError as error:
            # After a failed write, torch closes its archive, and the error of that hides the reason.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def without_circumstances(state: dict[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint without everything that differs between two equal trainings.

    These are wall times, network ports, and traces of resuming: fairseq then adds an entry to the optimiser history,
    and a resumed schedule does not know the best loss of the previous epoch.
    """
    state = dict(state)
    if state.get("optimizer_history"):
        state["optimizer_history"] = [{**state["optimizer_history"][-1], "lr_scheduler_state": {}}]
    if state.get("extra_state"):
        state["extra_state"] = {key: state["extra_state"][key] for key in _KEPT_STATE if key in state["extra_state"]}
    cfg = state.get("cfg")
    if cfg and cfg.get("distributed_training"):
        state["cfg"] = {**cfg, "distributed_training": {**cfg["distributed_training"], "distributed_init_method": None}}
    return state
