"""The content of a table independent of its format: captions, heads, lines of text."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from janus.report.ledger import Comparison, Entry, Reproduced, in_columns, join
from janus.report.names import METRICS, decimals
from janus.report.paper_tables import PAPER_TABLES
from janus.report.published import DESCRIPTIVE, ITERATION, LATENCY, Published

SIGNIFICANT = 0.01

_PUBLISHED_ONLY = "published only"
_GENERATED = (
    "The reproduced numbers come from text that this suite generates and from tiny models. They show that the workflow "
    "runs from end to end and are no evidence about the paper."
)


@dataclass(frozen=True)
class Group:
    """A head over one or more columns; `columns` are the heads below it, a single empty one if there is none."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table in its final form: `labels` head the first columns, `groups` the rest; every line has a text for each.

    `records` under `record_columns` are the same content, tidy, for CSV.
    """

    name: str
    caption: str
    notes: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[Group, ...]
    lines: tuple[tuple[str, ...], ...]
    record_columns: tuple[str, ...]
    records: tuple[dict[str, object], ...]


def build_table(
    number: int,
    published: Published,
    reproduced: Sequence[Reproduced] = (),
    *,
    tier: str,
    generated: bool,
    metric: str | Mapping[str, str] | None = None,
    added_rows: Collection[str] = (),
    added_columns: Collection[str] = (),
    other_texts: Mapping[str, str] | None = None,
    origins: Sequence[str] = (),
) -> Table:
    """Table `number` of the paper with published, reproduced and their difference side by side.

    `generated` says that the tier's text is generated, which the caption then points out. `metric` is the score shown,
    of the table or of each column, by default as in the paper. A column without reproduced values shows only the
    published ones, an added one only the reproduced ones. `other_texts` are the columns in which the reproduced text is
    not the paper's, with its name: they have no difference, and a note says so.
    `origins` are notes about the runs, of `janus.report.origins`. For `added_rows`, `added_columns` and errors see
    `ledger.join`.
    """
    paper, other_texts = PAPER_TABLES[number], other_texts or {}
    metric = metric or paper.shown
    added = {"added_rows": added_rows, "added_columns": added_columns}
    entries = join(published, reproduced, number, metric=metric, **added, other_columns=other_texts)
    kinds = _kinds(entries)
    shown = in_columns(reproduced, number, metric)
    reproduced_columns = {entry.column for entry in entries if entry.reproduced}
    others = [text for column, text in other_texts.items() if column in reproduced_columns]
    title = f"Table {number} of the paper: {paper.title_on(others)}"
    return Table(
        name=f"table{number}",
        caption=caption(title, tier, generated=generated and bool(shown)),
        notes=(
            *_notes(number, shown, metric, entries, others),
            *_published_notes(published, number),
            *(origins if shown else ()),
        ),
        labels=("Row", "System") if shown else ("Row",),
        groups=_groups(kinds, plain=not shown),
        lines=tuple(_line(line, kinds, named=bool(shown)) for line in _by_line(entries)),
        record_columns=_RECORD_COLUMNS,
        records=tuple(_tidy(number, entry) for entry in entries),
    )


def caption(title: str, tier: str, *, generated: bool) -> str:
    """A caption that names the tier and, for generated text, the limited meaning of its numbers."""
    return f"{title}. Tier: {tier}." + (f" {_GENERATED}" if generated else "")


def significance_note(tested: Sequence[Reproduced], score: str = "") -> str:
    """The meaning of the significance marks of `tested` records; `score` is the tested one of several scores."""

    def against(step: bool) -> str:
        labels = dict.fromkeys(one.against for record in tested for one in record.comparisons if one.step == step)
        return ", ".join(labels)

    marks = []
    if baselines := against(False):
        marks.append(f"† better, ‡ worse than its baseline ({baselines})")
    if steps := against(True):
        marks.append(f"↑ better, ↓ worse than the row it adds to ({steps}; its p is called step)")
    what = f" of {score} alone" if score else ""
    return (
        f"{'; '.join(marks)}: p < {SIGNIFICANT} both by paired bootstrap{what} and by two-sided paired approximate "
        "randomisation. p is the larger of the two, and of several seeds' tests the largest; each stands in the table "
        "of tests beside this one."
    )


def score_text(record: Reproduced) -> str:
    """A reproduced score with its interval, significance marks and p-values, as far as they exist."""
    places = decimals(record.metric)
    interval = f" ± {record.half_width:.{places}f}" if record.half_width is not None else ""
    marks = "".join(mark(one) for one in record.comparisons)
    p_values = ", ".join(f"{'step ' if one.step else ''}p = {one.p_value:.3f}" for one in record.comparisons)
    return f"{record.value:.{places}f}{interval}{marks}{f' ({p_values})' if p_values else ''}"


def mark(one: Comparison) -> str:
    """The mark of a comparison in a table; empty if it is not significant."""
    if one.p_value >= SIGNIFICANT or one.delta == 0:
        return ""
    better, worse = "↑↓" if one.step else "†‡"
    return better if one.delta > 0 else worse


def _kinds(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """The parts shown of each column: both sides and a meaningful difference, or the only side it has."""
    kinds = {}
    for column in dict.fromkeys(entry.column for entry in entries):
        cells = [entry for entry in entries if entry.column == column]
        published = any(entry.published for entry in cells)
        reproduced = any(entry.reproduced for entry in cells)
        if column == ITERATION:
            kinds[column] = ("either",)
        elif published and reproduced:
            kinds[column] = ("published", "reproduced", *(["Δ"] if cells[0].comparable else []))
        else:
            kinds[column] = ("published",) if published else ("reproduced",)
    return kinds


def _groups(kinds: dict[str, tuple[str, ...]], *, plain: bool) -> tuple[Group, ...]:
    return tuple(Group(column, ("",) if plain or heads == ("either",) else heads) for column, heads in kinds.items())


def _by_line(entries: Sequence[Entry]) -> list[list[Entry]]:
    lines: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        lines.setdefault((entry.row, entry.variant), []).append(entry)
    return list(lines.values())


def _line(entries: Sequence[Entry], kinds: dict[str, tuple[str, ...]], *, named: bool) -> tuple[str, ...]:
    texts = [_text(entry, kind) for entry in entries for kind in kinds[entry.column]]
    system = (entries[0].variant or _PUBLISHED_ONLY,) if named else ()
    return entries[0].row, *system, *texts


def _text(entry: Entry, kind: str) -> str:
    if kind == "published":
        return _published_text(entry)
    if kind == "reproduced":
        return _reproduced_text(entry)
    if kind == "either":
        # Iterations identify a row: both sides have the same value, and one of them may be missing.
        sides = dict.fromkeys([_published_text(entry), _reproduced_text(entry)])
        return " / ".join(side for side in sides if side not in ("", "–")) or "–"
    return f"{entry.difference:+.2f}".replace("-", "−") if entry.difference is not None else ""


def _published_text(entry: Entry) -> str:
    if entry.published is None or entry.published.value is None:
        return "–"
    return f"{entry.published.value}{'†' if '†' in entry.published.note else ''}"


def _reproduced_text(entry: Entry) -> str:
    if entry.reproduced:
        return score_text(entry.reproduced)
    # A reproduced row may have no speed, such as a floor, and left-to-right rows have no iterations.
    return "–" if entry.variant and entry.column in DESCRIPTIVE else ""


def _notes(
    number: int,
    shown: Sequence[Reproduced],
    metric: str | Mapping[str, str],
    entries: Sequence[Entry],
    others: Sequence[str],
) -> tuple[str, ...]:
    if not shown:
        return ("As published; nothing of this table is run in this tier.",)
    differs = any(entry.difference is not None for entry in entries)
    notes = [_signatures(shown, metric) + ("; Δ is reproduced minus published." if differs else ".")]
    notes.append(f"“{_PUBLISHED_ONLY}”: a row of the paper that was not run here.")
    if others:
        names = ", ".join(dict.fromkeys(others))
        notes.append(f"Reproduced on {names}, text that is none of the paper's: there is no Δ.")
    if any(record.column == LATENCY for record in shown):
        notes.append("Speeds are of other machines and models on the two sides, so they have no Δ.")
    notes += PAPER_TABLES[number].notes
    tested = [record for record in shown if record.comparisons]
    if tested:
        # Where the columns are metrics, one of them is tested.
        score = "" if isinstance(metric, str) else tested[0].column
        notes.append(significance_note(tested, score) + " A † in a published column is the paper's.")
    counts = {record.seeds for record in shown if record.half_width is not None}
    if counts:
        seeds = " or ".join(str(count) for count in sorted(counts))
        notes.append(f"±: 95 % t-interval of the mean over {seeds} seeds.")
    return tuple(notes)


def _published_notes(published: Published, number: int) -> list[str]:
    """What the published rows really are, in one note."""
    rows = [f"{row}, {what}" for (table, row), what in published.what.items() if table == number]
    return [f"Published rows: {'. '.join(rows)}."] if rows else []


def _signatures(shown: Sequence[Reproduced], metric: str | Mapping[str, str]) -> str:
    """How each number was computed, in the order of the columns; common parts are listed once."""
    if isinstance(metric, str):
        return f"Reproduced: {METRICS.get(metric, metric)} [{_signature(shown, metric)}]"
    columns: dict[str, list[str]] = {}
    for column, name in metric.items():
        signature = _signature(shown, name)
        if signature and column != ITERATION:
            columns.setdefault(signature, []).append(column)
    return "Reproduced: " + "; ".join(f"{', '.join(names)} [{signature}]" for signature, names in columns.items())


def _signature(shown: Sequence[Reproduced], metric: str) -> str:
    return " or ".join(dict.fromkeys(record.signature for record in shown if record.metric == metric))


_RECORD_COLUMNS = (
    "table", "row", "system", "column", "published", "reproduced", "half_width", "seeds", "p_value", "step_p_value",
    "difference", "metric", "note", "provenance",
)  # fmt: skip


def _tidy(number: int, entry: Entry) -> dict[str, object]:
    published, reproduced = entry.published, entry.reproduced
    return {
        "table": number,
        "row": entry.row,
        "system": entry.variant or _PUBLISHED_ONLY,
        "column": entry.column,
        "published": published.value if published else None,
        "reproduced": _rounded(reproduced.value if reproduced else None),
        "half_width": _rounded(reproduced.half_width if reproduced else None),
        "seeds": reproduced.seeds if reproduced else None,
        "p_value": _p_value(reproduced, step=False),
        "step_p_value": _p_value(reproduced, step=True),
        "difference": _rounded(entry.difference),
        "metric": reproduced.metric if reproduced else None,
        "note": published.note if published else None,
        "provenance": reproduced.provenance if reproduced else None,
    }


def _p_value(reproduced: Reproduced | None, *, step: bool) -> float | None:
    found = [one.p_value for one in (reproduced.comparisons if reproduced else ()) if one.step == step]
    return _rounded(found[0]) if found else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
