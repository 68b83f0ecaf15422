"""The folder of one training: when its checkpoints may be resumed, and which of them are decoded."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import read_json, write_json

_IDENTITY = "identity.json"
_EPOCH = re.compile(r"checkpoint(\d+)\.pt")


def open_run(checkpoints: Path, identity: Mapping[str, Any]) -> bool:
    """Make `checkpoints` ready for a training and say whether it resumes one.

    `identity` is everything that decides the training: arguments, code, data. Checkpoints begun under the same identity
    are kept, any others are removed, so that a changed config never goes on from another model.
    """
    checkpoints = Path(checkpoints)
    marker = checkpoints / _IDENTITY
    if marker.is_file() and read_json(marker) == dict(identity):
        return any(checkpoints.glob("*.pt"))
    if checkpoints.exists():
        shutil.rmtree(checkpoints)
    checkpoints.mkdir(parents=True)
    write_json(marker, dict(identity))
    return False


def chosen_checkpoints(checkpoints: Path, *, average: bool, count: int) -> list[Path]:
    """The checkpoints whose average is decoded: the last `count` epochs', or the one of best validation loss.

    Raises InputError where fewer than `count` epoch checkpoints, or no best one, were written.
    """
    checkpoints = Path(checkpoints)
    if not average:
        best = checkpoints / "checkpoint_best.pt"
        if not best.is_file():
            raise InputError("no best checkpoint", where=best, mend="validate at least once within `max_update`")
        return [best]
    epochs = {int(found[1]): path for path in checkpoints.iterdir() if (found := _EPOCH.fullmatch(path.name))}
    if len(epochs) < count:
        raise InputError(
            f"{len(epochs)} epoch checkpoints to average, {count} wanted",
            where=checkpoints,
            mend="lower `average_checkpoints`, or raise `max_update`",
        )
    return [epochs[epoch] for epoch in sorted(epochs)[-count:]]
