"""The decoding speed of a system, from the files of `janus.decoding.latency.measure_latency`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.records.shapes import SPEEDS, read_record


def decodings(path: Path, manner: str, passes: int | None, *units: str) -> list[dict[str, Any]]:
    """The rows of a file for one decoding, one per batch size; AR has no passes and ignores them.

    Raises InputError where the file has none, or one without one of the `units` of speed.
    """
    rows = read_record(path, SPEEDS, "rows")["rows"]
    own = [row for row in rows if row["manner"] == manner and (manner == "ar" or row.get("passes") == passes)]
    if not own:
        raise InputError(f"no speed for {_way(manner, passes)}", where=path, fix="remove the file and measure again")
    if lacking := [unit for unit in units if any(unit not in row for row in own)]:
        raise InputError(f"a row has no {lacking[0]}", where=path, fix="remove the file and measure again")
    return own


def latency(path: Path, manner: str, passes: int | None) -> float:
    """Median milliseconds per sentence, decoded one at a time. Raises InputError where that was not measured."""
    alone = [row for row in decodings(path, manner, passes, "milliseconds_per_sentence") if row["batch_size"] == 1]
    if len(alone) != 1:
        raise InputError(
            f"{len(alone)} speeds of {_way(manner, passes)} at batch size 1",
            where=path,
            fix="put 1 among `batch_sizes` once and measure again",
        )
    return alone[0]["milliseconds_per_sentence"]["median"]


def protocol(paths: Sequence[Path]) -> str:
    """How `latency` was measured, in the form of a metric's signature; several files that differ give several."""
    told = ("repeats", "sentences", "warmup", "threads", "device")
    return " or ".join(dict.fromkeys(_protocol(read_record(path, SPEEDS, *told)) for path in paths))


def _protocol(file: dict[str, Any]) -> str:
    clock = f"median of {file['repeats']}|batch:1|sentences:{file['sentences']}|warm-up:{file['warmup']}"
    return f"{clock}|threads:{file['threads']}|{file['device']}"


def _way(manner: str, passes: int | None) -> str:
    return manner if manner == "ar" else f"{manner} {passes}"
