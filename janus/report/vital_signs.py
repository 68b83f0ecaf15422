"""Vital signs in the report: the mark in the tables, the table of all signs, the line at the end of a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import atomic_writer
from janus.records.shapes import SIGNS, read_record
from janus.report.csvfile import to_csv, to_markdown
from janus.report.layout import Table

MARK = "¶"
# Parts of a column of `janus.report.layout` that no decoded file gave.
_NOT_DECODED = ("published", "Δ")
_FILES = "*/*/seed-*/decode"
_SUFFIX = ".vital.json"
# Head of the table of all signs: the sign, how it is printed.
_COLUMNS = {
    "lines": ("lines", "{}"),
    "empty": ("empty", "{:.1%}"),
    "length ratio": ("length_ratio", "{:.2f}"),
    "words": ("words", "{:.1f}"),
    "distinct": ("distinct", "{:.1%}"),
    "of the references": ("reference_distinct", "{:.1%}"),
    "repetition": ("repetition", "{:.1%}"),
    "loops": ("loops", "{:.1%}"),
    "copied": ("copied", "{:.1%}"),
    "right": ("right", "{:.1%}"),
    "changed": ("changed", "{:.1%}"),
}
_PLACE = ("corpus", "system", "seed", "decoding")
_LEGEND = (
    "empty: outputs without a word. length ratio: words over the references' words. words: of an output, the mean. "
    "distinct: different outputs over lines, then the references' share. repetition: words equal to the one before. "
    "loops: runs of four words that stood in the same output before. copied: outputs that equal their source. right: "
    "outputs that equal their reference. changed: outputs that differ from those of the fewest passes. The bounds "
    "are in janus/metrics/vital_signs.py."
)


@dataclass(frozen=True)
class Decoded:
    """The signs of one decoded file, identified by its path: <run>/<corpus>/<system>/seed-<n>/decode/<mode>.vital.json.

    reasons: why it is degenerate, empty if it is not. expected: why this is expected of the system.
    """

    path: Path
    signs: Mapping[str, Any]
    reasons: tuple[str, ...]
    expected: str | None = None

    @property
    def verdict(self) -> str:
        """The reasons as one text; empty if the file is not degenerate."""
        known = [f"expected: {self.expected}"] if self.expected and self.reasons else []
        return "; ".join([*self.reasons, *known])

    def sign(self, name: str) -> float | None:
        """One sign. Raises InputError where the file has none of that name."""
        if name not in self.signs:
            raise InputError(f"has no {name}", where=self.path, fix="score the decoded file again")
        return self.signs[name]

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Corpus, system, seed and mode."""
        corpus, system, seed = self.path.parts[-5:-2]
        return corpus, system, seed.removeprefix("seed-"), self.path.name.removesuffix(_SUFFIX)


def vital_files(score_files: Iterable[str | Path]) -> list[str]:
    """The vital signs next to the decoded file of each score file; floors, which are not decoded, have none."""
    paths = [Path(path) for path in score_files]
    found = [path.parents[1] / "decode" / (path.stem + _SUFFIX) for path in paths if path.parent.name == "score"]
    return list(dict.fromkeys(map(str, found)))


def read_signs(paths: Iterable[str | Path]) -> list[Decoded]:
    """The signs in files of `janus.metrics.vital_signs.write_vital_signs`. Raises InputError for other files."""
    return [_read(Path(path)) for path in paths]


def signs_of_run(run: Path) -> list[Decoded]:
    """The signs of every decoded file of a tier's results that was scored. Raises InputError if one has none."""
    run = Path(run)
    decoded = sorted(run.glob(f"{_FILES}/*.bpe"))
    if not decoded:
        raise InputError("no decoded files", where=run, fix="give the folder of a run, results/<tier>")
    # A baseline decoded for a test alone, after as many passes as the row that it is compared with, is never scored.
    scored = [path for path in decoded if (path.parents[1] / "score" / f"{path.stem}.json").is_file()]
    return read_signs(path.with_suffix(_SUFFIX) for path in scored)


def write_signs(decoded: Sequence[Decoded], stem: Path) -> None:
    """Write the signs as `<stem>.csv` and, with what they mean, `<stem>.md`."""
    columns = [*_PLACE, *(sign for sign, _ in _COLUMNS.values()), "degenerate"]
    records = [
        dict(zip(_PLACE, one.place, strict=True))
        | {sign: one.sign(sign) for sign, _ in _COLUMNS.values()}
        | {"degenerate": one.verdict}
        for one in decoded
    ]
    for suffix, text in ((".csv", to_csv(columns, records)), (".md", markdown(decoded))):
        with atomic_writer(stem.with_name(stem.name + suffix)) as stream:
            stream.write(text)


def markdown(decoded: Sequence[Decoded]) -> str:
    """A Markdown table of the signs, degenerate files first, and the meaning of its columns."""
    rows = [
        dict(zip(_PLACE, one.place, strict=True))
        | {head: _text(one.sign(sign), form) for head, (sign, form) in _COLUMNS.items()}
        | {"degenerate": one.verdict}
        for one in sorted(decoded, key=lambda one: not one.reasons)
    ]
    return f"**Vital signs**\n\n{to_markdown([*_PLACE, *_COLUMNS, 'degenerate'], rows)}\n{_LEGEND}\n"


def summary(decoded: Sequence[Decoded], where: object, *, named: int = 4) -> str:
    """One line with the number and names of degenerate files, and `where` the rest is listed; empty if there are none.

    Files that are expected to be degenerate do not count.
    """
    sick = [one for one in decoded if one.reasons and not one.expected]
    if not sick:
        return ""
    names = [f"{system} {mode} on {corpus}, seed {seed}" for corpus, system, seed, mode in (one.place for one in sick)]
    more = [f"and {len(sick) - named} more"] if len(sick) > named else []
    count = "1 row is" if len(sick) == 1 else f"{len(sick)} rows are"
    return f"{count} degenerate: {'; '.join([*names[:named], *more])}; see {where}"


def marked(table: Table, cells: Sequence[Mapping[str, Any]]) -> Table:
    """The table with marks on results of degenerate outputs, a note with the reasons, and a column for its records.

    `cells` as in janus.report.collect. The mark is on the scores if a row's columns are corpora or passes, each with
    its own decoded file, and on the system, once, if one decoded file gives the whole row.
    """
    found: dict[tuple[str, str, str], str] = {}
    for cell in cells:
        signs = read_signs(vital_files(cell["score_files"].values()))
        if reasons := list(dict.fromkeys(one.verdict for one in signs if one.reasons)):
            found[cell["row"], cell["variant"], cell["column"]] = "; ".join(reasons)
    heads = [(group.name, column) for group in table.groups for column in group.columns]
    lines = tuple(_marked_line(line, len(table.labels), heads, found) for line in table.lines)
    columns = {group.name for group in table.groups}
    notes = (*table.notes, _note(found, columns)) if found else table.notes
    records = tuple(record | {"degenerate": _reason(record, found, columns)} for record in table.records)
    return replace(
        table, lines=lines, notes=notes, record_columns=(*table.record_columns, "degenerate"), records=records
    )


def unmarked(text: str) -> str:
    """A label of a table that may be marked, without the mark."""
    return text.rstrip(MARK)


def _marked_line(
    line: tuple[str, ...], labels: int, heads: Sequence[tuple[str, str]], found: Mapping[tuple[str, str, str], str]
) -> tuple[str, ...]:
    sick: set[int] = set()
    for row, variant, column in found:
        if line[0] != row or labels < 2 or line[1] != variant or (labels > 2 and line[2] != column):
            continue
        own = (i for i, (name, kind) in enumerate(heads, labels) if name == column and kind not in _NOT_DECODED)
        sick.update([i for i in own if line[i]] or [1])
    return tuple(text + MARK * (place in sick) for place, text in enumerate(line))


def _note(found: Mapping[tuple[str, str, str], str], columns: set[str]) -> str:
    why = [
        f"{row} ({variant}{', ' + column if column in columns else ''}): {reasons}"
        for (row, variant, column), reasons in found.items()
    ]
    return f"{MARK} degenerate output, whose scores mean nothing (vital-signs.md). " + ". ".join(why) + "."


def _reason(record: Mapping[str, object], found: Mapping[tuple[str, str, str], str], columns: set[str]) -> str:
    """The signs of the record's own cell, or of the one decoded file that gives its whole row."""
    for (row, variant, column), reasons in found.items():
        whole_row = record["column"] in columns and column not in columns
        if (row, variant) == (record["row"], record["system"]) and (whole_row or column == record["column"]):
            return reasons
    return ""


def _text(value: Any, form: str) -> str:
    return "–" if value is None else form.format(value)


def _read(path: Path) -> Decoded:
    record = read_record(path, SIGNS, "signs", "degenerate", fix="score the decoded file again")
    return Decoded(path, record["signs"], tuple(record["degenerate"]), record.get("expected"))
