"""The folder of a training: its checkpoints are either continued or set aside."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from janus.files import write_json
from janus.records.identity import differences
from janus.records.shapes import IDENTITY, read_record

RECORD = "identity.json"


def open_run(checkpoints: Path, identity: Mapping[str, Any], *, terminal: IO[str] | None = None) -> bool:
    """Prepare the folder `checkpoints` for a training; returns whether it continues an earlier one.

    identity: from `janus.records.identity.training_identity`. Checkpoints of an identity without relevant differences
    are continued. All others are set aside as `checkpoints.before-<n>`, and one line on `terminal` (stderr by default)
    says why, so that a changed config never continues from another model.
    """
    checkpoints = Path(checkpoints)
    marker = checkpoints / RECORD
    if checkpoints.exists() and any(checkpoints.iterdir()):
        known = read_record(marker, IDENTITY) if marker.is_file() else None
        reasons = ["it has no identity.json"] if known is None else differences(known, identity)
        if reasons:
            aside = _free_name(checkpoints)
            checkpoints.rename(aside)
            print(f"{checkpoints} is set aside as {aside.name}: {_joined(reasons)}", file=terminal or sys.stderr)
    write_json(marker, dict(identity))
    return any(checkpoints.glob("checkpoint*.pt"))


def _free_name(folder: Path) -> Path:
    number = 1
    while (aside := folder.with_name(f"{folder.name}.before-{number}")).exists():
        number += 1
    return aside


def _joined(reasons: list[str], most: int = 3) -> str:
    more = len(reasons) - most
    return "; ".join(reasons[:most]) + (f"; and {more} more" if more > 0 else "")
