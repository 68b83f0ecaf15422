"""Whether the numbers of a table have a common origin: revision of the code, versions of packages, device."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from janus.records.shapes import DECODED, GIVEN, SCORES, TRAINING, Shape, read_record
from janus.report.inequalities import inequality_notes, parse_options

# (name of the fact, label of the row, value)
_Fact = tuple[str, str, str]


def origin_notes(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """The notes of a table about its runs: given rows, unequal trainings, and origins that differ between rows."""
    cells = list(cells)
    return [*given_notes(cells), *inequality_notes(cells), *provenance_notes(cells)]


def given_notes(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """A note of the rows of which outputs or a checkpoint were given, with their files, and one of shared trainings."""
    given: dict[str, dict[str, None]] = {}
    shared: dict[str, str] = {}
    for cell in cells:
        origin = cell.get("origin") or {}
        for path in origin.get("given", {}).values():
            found = read_record(Path(path), GIVEN, "given")["given"]
            what = f"{found['kind']} given, {found['file']} (sha256 {found['sha256'][:7]})"
            given.setdefault(cell["variant"], {})[what] = None
        if trainer := origin.get("trained_by"):
            shared[cell["variant"]] = trainer
    files = "; ".join(f"{row}, {', '.join(names)}" for row, names in given.items())
    same = "; ".join(f"{row} and {trainer}" for row, trainer in shared.items())
    notes = [f"Not made by this suite: {files}."] * bool(given)
    return notes + [f"Different decodings of one training: {same}."] * bool(shared)


def provenance_notes(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """A note with each fact of provenance in which the rows of a table differ, and the rows of each value.

    Facts come from the records of trainings, decodings and scores of each cell: the revision, the device, the optimiser
    and the versions of the packages that are in all records. A revision with uncommitted changes is reported as well.
    """
    facts: dict[str, dict[str, list[str]]] = {}
    for name, label, value in (fact for cell in cells for fact in _facts(cell)):
        labels = facts.setdefault(name, {}).setdefault(value, [])
        if label not in labels:
            labels.append(label)
    differing = [
        f"{name} " + ", ".join(f"{value} ({', '.join(labels)})" for value, labels in values.items())
        for name, values in facts.items()
        if len(values) > 1
    ]
    notes = [f"Not of one origin: {'; '.join(differing)}."] if differing else []
    dirty = dict.fromkeys(value for values in facts.values() for value in values if value.endswith("-dirty"))
    return notes + [f"Made with uncommitted changes: {', '.join(dirty)}."] * bool(dirty)


def _facts(cell: Mapping[str, Any]) -> Iterator[_Fact]:
    readers: list[tuple[str, Mapping[Any, str], Shape, Callable[[Any], Mapping[str, Any]]]] = [
        ("scored", cell["score_files"], SCORES, lambda record: record.get("provenance", {}))
    ]
    if (origin := cell.get("origin")) and origin.get("given"):
        readers = [("decoded", _decodings(origin), DECODED, lambda record: record), *readers]
    elif origin:
        readers = [
            ("trained", origin["trainings"], TRAINING, lambda record: record),
            ("decoded", origin["decodings"], DECODED, lambda record: record),
            *readers,
        ]
    for verb, files, shape, of in readers:
        for path in files.values():
            yield from _facts_of(verb, cell["variant"], of(read_record(Path(path), shape)))


def _decodings(origin: Mapping[str, Any]) -> Mapping[Any, str]:
    """The decodings that this suite made; given outputs are none."""
    return {} if origin["decodings"] == origin["given"] else origin["decodings"]


def _facts_of(verb: str, label: str, record: Mapping[str, Any]) -> Iterator[_Fact]:
    revision, _, dirty = str(record.get("revision", "unknown")).partition("-")
    yield f"{verb} at revision", label, revision[:7] + ("-dirty" if dirty else "")
    if device := record.get("device"):
        yield f"{verb} on", label, device
    if "arguments" in record:
        yield "trained by", label, parse_options(record["arguments"]).get("optimizer", "no optimiser")
    for package, version in record.get("versions", {}).items():
        yield f"{verb} with {package}", label, version
