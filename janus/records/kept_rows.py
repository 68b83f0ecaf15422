"""The finished parts of a run, kept without checkpoints, so that a run may take several machines or many days.

A row is one system trained on one corpus with one seed. Kept are its records and each decoding that is scored, with the
decoded text: a few hundred kilobytes. When they are put back into the results of another clone of the same revision,
Snakemake takes them for done and makes what is still missing, such as the comparisons with other rows.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from janus.errors import InputError
from janus.files import require_writable
from janus.records.evidence import refuse_mixed, refuse_stale, revisions, without_machine

_RECORDS = ("averaged.json", "curves.csv", "latency.json", "checkpoints/log.jsonl")


def keep_rows(run: Path, target: Path) -> list[Path]:
    """Copy what `run` (results/<tier>) has of its trained rows and `target` does not; returns the rows concerned.

    Raises InputError if `run` has no trained rows, if the records of `run` and `target` are not of one committed
    revision, or if outputs are of another average than the recorded one; then nothing is copied.
    """
    run, target = Path(run), Path(target)
    _require_rows(run, fix="give the folder of a run with trained rows, results/<tier>")
    require_writable(target / "row")
    refuse_mixed(run)
    refuse_stale(run)
    if len(found := {*revisions(run), *revisions(target)}) > 1:
        names = ", ".join(sorted(revision[:7] for revision in found))
        raise InputError(f"rows of several revisions: {names}", where=target, fix="use a separate folder for each")
    return _copy(run, target, lambda copy: without_machine(copy, run))


def restore_rows(kept: Path, run: Path) -> list[Path]:
    """Put back into `run` (results/<tier>) what `kept` has and it does not; returns the rows concerned.

    The corpora must be prepared before, since Snakemake repeats a training whose corpus is newer. All files get the
    same time. Raises InputError if there are no rows, a corpus is not prepared, or `run` cannot be written to.
    """
    kept, run = Path(kept), Path(run)
    rows = _require_rows(kept, fix="give a folder that `janus keep` filled")
    for corpus in dict.fromkeys(row.parents[1] for row in rows):
        if not (run / corpus / "corpus/bin").is_dir():
            fix = "run the workflow with --until binarise first"
            raise InputError("not prepared", where=run / corpus / "corpus", fix=fix)
    require_writable(run / "row")
    now = time.time_ns()
    return _copy(kept, run, lambda copy: os.utime(copy, ns=(now, now)))


def _require_rows(folder: Path, *, fix: str) -> list[Path]:
    """The trained rows below a folder. Raises InputError if there are none."""
    rows = list(_trained(folder))
    if not rows:
        raise InputError("no trained rows", where=folder, fix=fix)
    return rows


def _trained(run: Path) -> Iterator[Path]:
    """The rows below a folder whose training has ended, and scored ones that have none of their own, relative to it."""
    for row in sorted(run.glob("*/*/seed-*")):
        if (row / "train.json").is_file() or ((row / "score").is_dir() and not (row / "checkpoints").is_dir()):
            yield row.relative_to(run)


def _copy(source: Path, target: Path, finish: Callable[[Path], object]) -> list[Path]:
    """Copy the files of rows that `target` lacks, each `finish`ed before it gets its name; returns the rows."""
    rows = []
    for row in _trained(source):
        for path in _products(source / row):
            copy = target / path.relative_to(source)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                partial = copy.with_name(f".partial-{copy.name}")
                shutil.copyfile(path, partial)
                finish(partial)
                os.replace(partial, copy)
                rows.append(row)
    return list(dict.fromkeys(rows))


def _products(row: Path) -> Iterator[Path]:
    """What is kept of a row; `train.json`, by which it counts as trained, comes last."""
    for name in _RECORDS:
        yield from row.glob(name)
    for score in sorted(row.glob("score/*.json")):
        yield from sorted(row.glob(f"decode/{score.stem}.*"))
        yield score
    yield from row.glob("train.json")
