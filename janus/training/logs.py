"""Rows from the training logs of fairseq."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from janus.errors import InputError

_SPLITS = {"train_inner": None, "train": "train", "valid": "valid"}
_HEAD = re.compile(r"(?:^|\| )(train_inner|train|valid) \| (?=\{)")
_NAMES = ("loss", "bleu", "nll_loss")
_PARAMETERS = re.compile(r"\| num\. shared model params: ([\d,]+) \(num\. trained: ")
_DECODER = json.JSONDecoder()


def parse_line(line: str) -> tuple[str, dict[str, Any]] | None:
    """The kind (`train_inner`, `train`, `valid`) and the values of one line of a log in JSON format, if it is one.

    Returns None for a line that is truncated or interleaved with the output of another process.
    """
    return next(_entries(line), None)


def read_curves(log: Path) -> list[dict[str, Any]]:
    """One row per value at the end of each epoch: updates, epoch, split, name, value.

    Names are those of the criteria (`loss`, `loss_ar`, `loss_nar`, …) and `bleu_ar`, `bleu_nar`, with their mean
    `bleu`. In the log of a resumed training, the later of two entries for an update counts. Garbled entries and values,
    and values that are not finite, are skipped.
    """
    rows: dict[tuple, dict[str, Any]] = {}
    for line in _lines(log):
        for kind, values in _entries(line):
            split = _SPLITS[kind]
            updates, epoch = (_number(values.get(key)) for key in (f"{split}_num_updates", "epoch"))
            if split is None or updates is None or epoch is None:
                continue
            for key, text in values.items():
                name = key.removeprefix(f"{split}_")
                value = _number(text)
                if name.startswith(_NAMES) and value is not None:
                    row = {"updates": int(updates), "epoch": int(epoch), "split": split, "name": name, "value": value}
                    rows[split, int(updates), name] = row
    return list(rows.values())


def read_parameters(log: Path) -> int | None:
    """The number of parameters of the model, shared ones counted once; None if the log does not contain it.

    fairseq logs it at each start of a training; the last entry counts.
    """
    found = [match[1] for line in _lines(log) for match in _PARAMETERS.finditer(line)]
    return int(found[-1].replace(",", "")) if found else None


def _lines(log: Path) -> Iterator[str]:
    """The lines of a log written by several processes; a byte that is not UTF-8 affects only its own entry."""
    try:
        with open(log, encoding="utf-8", errors="replace", newline="\n") as stream:
            yield from stream
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=log, fix="train first") from error


def _entries(line: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The complete entries of a line; there are several if a newline was lost."""
    for head in _HEAD.finditer(line):
        try:
            values, _ = _DECODER.raw_decode(line, head.end())
        except (ValueError, RecursionError):
            continue
        yield head[1], values


def _number(value: Any) -> float | None:
    """A finite number, which fairseq logs as a string or a number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
