"""What the claims of a run rest on, small enough to publish beside them."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from janus.errors import InputError
from janus.files import write_json, write_lines
from janus.provenance import Stopwatch, provenance
from janus.report.durations import durations, to_markdown

_PRODUCTS = ("tables/*", "figures/*", "**/*.json", "**/curves.csv", "**/checkpoints/log.jsonl")
_RECORDS = {".json", ".jsonl"}
_ABSOLUTE = re.compile(r"(?<![\w:/.<])/(?:[\w.@+-]+/)+[\w.@+-]*")


def gather_evidence(run: Path, logs: Path, target: Path) -> None:
    """Copy what a run's numbers rest on to the new folder `target`, laid out as `run` is.

    That is: tables, figures, the record beside every product, training logs and curves; not texts, outputs and
    checkpoints. `durations.md` and `durations.json` say what took how long. Records lose the absolute paths of this
    machine: those into the run begin at its folder, others keep their last name.
    run: results/<tier>; logs: logs/<tier>.
    Raises InputError where there is no table or no benchmark in them, or `target` exists; then nothing is written.
    """
    watch = Stopwatch()
    run, target = Path(run), Path(target)
    if not any(run.glob("tables/*")):
        raise InputError("no tables", where=run, mend="give the folder of a finished run, results/<tier>")
    if target.exists():
        raise InputError("exists", where=target, mend="remove it, or name another folder")
    parts = durations(logs)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        gathered = Path(folder) / "evidence"
        for path in _products(run):
            copy = gathered / path.relative_to(run)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            if path.suffix in _RECORDS:
                copy.write_text(_without_absolute_paths(copy.read_text(encoding="utf-8"), run), encoding="utf-8")
        write_lines(gathered / "durations.md", to_markdown(parts))
        facts = provenance(watch=watch, tier=run.name, parts=[asdict(part) for part in parts])
        write_json(gathered / "durations.json", facts)
        os.rename(gathered, target)


def _products(run: Path) -> Iterator[Path]:
    found = {path for pattern in _PRODUCTS for path in run.glob(pattern) if path.is_file()}
    # What a training compares itself with when it resumes means nothing without its checkpoints.
    return (path for path in sorted(found) if path.name != "identity.json")


def _without_absolute_paths(text: str, run: Path) -> str:
    inside = f"/{run.parent.name}/{run.name}/"

    def shorten(match: re.Match[str]) -> str:
        path = match[0]
        return path[path.index(inside) + 1 :] if inside in path else path.rstrip("/").rsplit("/", 1)[-1]

    return _ABSOLUTE.sub(shorten, text)
