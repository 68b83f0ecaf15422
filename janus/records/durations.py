"""The duration of each part of a run, from the durations that jobs write beside their logs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from janus.errors import InputError
from janus.files import read_lines


@dataclass(frozen=True)
class Part:
    """One kind of job: their number, total wall time and the longest, in seconds."""

    name: str
    jobs: int
    total: float
    longest: float


def durations(logs: Path) -> list[Part]:
    """The parts of the run with logs below `logs`, the longest first.

    A part is named by its file up to the first hyphen: train.tsv, decode-ar.tsv, score-nar-11.tsv. Raises InputError if
    there is none, or one that no job wrote.
    """
    files = sorted(Path(logs).rglob("*.tsv"))
    if not files:
        raise InputError("no durations of jobs", where=logs, fix="give the folder of a tier's logs, logs/<tier>")
    seconds: dict[str, list[float]] = {}
    for file in files:
        seconds.setdefault(file.stem.partition("-")[0], []).append(_seconds(file))
    parts = [Part(name, len(values), sum(values), max(values)) for name, values in seconds.items()]
    return sorted(parts, key=lambda part: -part.total)


def to_markdown(parts: Iterable[Part]) -> list[str]:
    """The lines of a Markdown table."""
    head = ["| part | jobs | seconds, together | longest |", "| :--- | ---: | ---: | ---: |"]
    return head + [f"| {part.name} | {part.jobs} | {part.total:.0f} | {part.longest:.0f} |" for part in parts]


def _seconds(file: Path) -> float:
    lines = read_lines(file)
    try:
        return float(dict(zip(lines[0].split("\t"), lines[1].split("\t"), strict=True))["s"])
    except (IndexError, KeyError, ValueError) as error:
        raise InputError("not the duration of a job", where=file, fix="remove it") from error
