"""What fairseq logged while training, as rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from janus.files import iter_lines

_SPLITS = {"train_inner": None, "train": "train", "valid": "valid"}


def parse_line(line: str) -> tuple[str, dict[str, Any]] | None:
    """The kind (`train_inner`, `train`, `valid`) and the values of one line of a log in JSON format, if it is one."""
    head, brace, tail = line.partition("{")
    kind = head.rstrip(" |").rpartition("| ")[2].strip()
    if not brace or kind not in _SPLITS:
        return None
    return kind, json.loads("{" + tail)


def read_curves(log: Path) -> list[dict[str, Any]]:
    """One row a value at the end of each epoch: updates, epoch, split, name, value.

    Names are those of the criteria (`loss`, `loss_ar`, `loss_nar`, …) and `bleu_ar`, `bleu_nar`. A log that a resumed
    training continued holds the later of two entries for an update.
    """
    rows: dict[tuple, dict[str, Any]] = {}
    for line in iter_lines(log):
        parsed = parse_line(line)
        if parsed is None or (split := _SPLITS[parsed[0]]) is None:
            continue
        values = parsed[1]
        updates, epoch = int(values[f"{split}_num_updates"]), int(values["epoch"])
        for key, value in values.items():
            name = key.removeprefix(f"{split}_")
            if name.startswith(("loss", "bleu_", "nll_loss")):
                row = {"updates": updates, "epoch": epoch, "split": split, "name": name, "value": float(value)}
                rows[split, updates, name] = row
    return list(rows.values())
