"""The records behind the claims of a run, small enough to publish with them."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import named_folder, read_json, require_writable, write_json, write_lines
from janus.records.durations import durations, to_markdown
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import AVERAGE, DECODED, read_record
from janus.training.averaged_checkpoints import stale_average

_PRODUCTS = ("tables/*", "figures/*", "**/*.json", "**/curves.csv", "**/checkpoints/log.jsonl")
_RECORDS = {".json", ".jsonl"}
_ABSOLUTE = re.compile(r"(?<![\w:/.<])/(?:[\w.@+-]+/)+[\w.@+-]*")


def gather_evidence(run: Path, logs: Path, target: Path) -> None:
    """Copy the records behind a run's numbers to the new folder `target`, with the layout of `run`.

    These are tables, figures, the record of every product, training logs and curves, but not texts, outputs and
    checkpoints. `durations.md` and `durations.json` contain the time of each part. Absolute paths of this machine are
    removed from records: paths into the run begin at its folder, others keep only their last name.
    run: results/<tier>; logs: logs/<tier>.
    Raises InputError, and writes nothing, if there is no table or no duration, if `target` exists, if the records are
    not all from one committed revision of the code, or if outputs were decoded with another average of checkpoints than
    the recorded one.
    """
    watch = Stopwatch()
    run, target = named_folder(run), Path(target)
    if not any(run.glob("tables/*")):
        raise InputError("no tables", where=run, fix="give the folder of a finished run, results/<tier>")
    if target.exists():
        raise InputError("exists", where=target, fix="remove it, or name another folder")
    require_writable(target)
    refuse_mixed(run)
    refuse_stale(run)
    parts = durations(logs)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        gathered = Path(folder) / "evidence"
        for path in _products(run):
            copy = gathered / path.relative_to(run)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            without_machine(copy, run)
        write_lines(gathered / "durations.md", to_markdown(parts))
        facts = provenance(watch=watch, tier=run.name, parts=[asdict(part) for part in parts])
        write_json(gathered / "durations.json", facts)
        os.rename(gathered, target)


def without_machine(copy: Path, run: Path) -> None:
    """Take the absolute paths of this machine out of a copied record of `run`; other files stay as they are."""
    if copy.suffix in _RECORDS:
        copy.write_text(without_absolute_paths(copy.read_text(encoding="utf-8"), run), encoding="utf-8")


def without_absolute_paths(text: str, run: Path) -> str:
    """The text of a record of `run` in which paths into the run begin at its folder, and others are their last name."""
    run = Path(os.path.abspath(run))
    inside = f"/{run.parent.name}/{run.name}/"

    def shorten(match: re.Match[str]) -> str:
        path = match[0]
        return path[path.index(inside) + 1 :] if inside in path else path.rstrip("/").rsplit("/", 1)[-1]

    return _ABSOLUTE.sub(shorten, text)


def revisions(run: Path) -> dict[str, list[Path]]:
    """The revisions of the code in the records of a run, each with its records, ordered by path.

    The times that `gather_evidence` adds are no product of the run: they tell of the code that gathered them.
    """
    found: dict[str, list[Path]] = {}
    for path in _products(Path(run)):
        if path.suffix == ".json" and path != Path(run) / "durations.json":
            for revision in _revisions(read_json(path)):
                found.setdefault(revision, []).append(path)
    return found


def refuse_mixed(run: Path) -> None:
    """Raise InputError if the records of a run are from several revisions, or from one with uncommitted changes."""
    found = revisions(run)
    if len(found) > 1:
        examples = ", ".join(f"{name[:13]} ({paths[0].relative_to(run)})" for name, paths in found.items())
        raise InputError(
            f"produced by {len(found)} revisions of the code: {examples}",
            where=run,
            fix="run it again at one revision, in an empty results folder",
        )
    for name in found:
        if name.endswith("-dirty"):
            raise InputError(
                f"produced by {name[:7]} with uncommitted changes", where=run, fix="commit them and run it again"
            )


def refuse_stale(run: Path) -> None:
    """Raise InputError if checkpoints were changed after averaging, or another average was decoded."""
    for path in sorted(Path(run).glob("*/*/seed-*/averaged.json")):
        if error := stale_average(path.parent):
            raise error
        averaged = read_record(path, AVERAGE, "sha256")["sha256"]
        for decoded in sorted(path.parent.glob("decode/*.bpe.json")):
            if read_record(decoded, DECODED, "checkpoint")["checkpoint"] != averaged:
                raise InputError(
                    f"decoded with a different averaged.pt from the one that {path} describes",
                    where=decoded,
                    fix=f"run the workflow once with --forcerun {decoded.with_suffix('')}",
                )


def _revisions(record: Any) -> Iterator[str]:
    """All values of `revision` anywhere in a record."""
    if isinstance(record, dict):
        if isinstance(record.get("revision"), str):
            yield record["revision"]
        record = list(record.values())
    if isinstance(record, list):
        for item in record:
            yield from _revisions(item)


def _products(run: Path) -> Iterator[Path]:
    found = {path for pattern in _PRODUCTS for path in run.glob(pattern) if path.is_file()}
    # The identity of a training, compared when it resumes, is useless without its checkpoints.
    return (path for path in sorted(found) if path.name != "identity.json")
