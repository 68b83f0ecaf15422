"""What stands where in a table, before any format: captions, heads, lines of text."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from janus.report.ledger import Entry, Reproduced, in_columns, join
from janus.report.names import METRICS, SHOWN, TITLES, decimals
from janus.report.published import DESCRIPTIVE, ITERATION, LATENCY, Published

SIGNIFICANT = 0.01

_PUBLISHED_ONLY = "published only"
_NOTES = {
    5: (
        "BLEU as GLGE's scorer gives it under NLTK 3.5, to which the published numbers point. What it gives to replies "
        "that answer nothing: workflow/report/personachat.md. BLEU under other NLTKs: the companion table.",
    ),
}
_GENERATED = (
    "The reproduced numbers come from text that this suite generates and from tiny models. They show that the workflow "
    "runs from end to end and are no evidence about the paper."
)


@dataclass(frozen=True)
class Group:
    """A head over one or more columns; `columns` are the heads below it, a single empty one where there is none."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table ready to be written: `labels` head the first columns, `groups` the rest; every line has a text for each.

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
    other_text: str | None = None,
) -> Table:
    """Table `number` of the paper with published, reproduced and their difference side by side.

    `generated` says that the tier's text is generated, and the caption then says what such numbers are worth. `metric`
    is the score shown, of the table or of each column, by default that of `names.SHOWN`. A column that nothing
    reproduces shows what was published alone, an added one what was reproduced. `other_text` names the reproduced text
    where it stands for none of the paper's: there is no difference then, and a note says so. For `added_rows`,
    `added_columns` and errors see `ledger.join`.
    """
    metric = metric or SHOWN[number]
    added = {"added_rows": added_rows, "added_columns": added_columns}
    entries = join(published, reproduced, number, metric=metric, **added, comparable=not other_text)
    kinds = _kinds(entries)
    shown = in_columns(reproduced, number, metric)
    return Table(
        name=f"table{number}",
        caption=caption(f"Table {number} of the paper: {TITLES[number]}", tier, generated=generated and bool(shown)),
        notes=_notes(number, shown, metric, other_text),
        labels=("Row", "System") if shown else ("Row",),
        groups=_groups(kinds, plain=not shown),
        lines=tuple(_line(line, kinds, named=bool(shown)) for line in _by_line(entries)),
        record_columns=_RECORD_COLUMNS,
        records=tuple(_tidy(number, entry) for entry in entries),
    )


def caption(title: str, tier: str, *, generated: bool) -> str:
    """A caption that names the tier and, for generated text, says what its numbers are worth."""
    return f"{title}. Tier: {tier}." + (f" {_GENERATED}" if generated else "")


def significance_note(tested: Sequence[Reproduced], score: str = "") -> str:
    """What the marks of significance of `tested` records mean; `score` names the one that was tested of several."""
    baselines = ", ".join(dict.fromkeys(record.baseline for record in tested if record.baseline))
    against = f"its baseline ({baselines})" if baselines else "its baseline"
    what = f" of {score} alone" if score else ""
    return (
        f"† better, ‡ worse than {against} with p < {SIGNIFICANT}, paired bootstrap{what}; "
        "of several seeds' tests the largest p."
    )


def score_text(record: Reproduced) -> str:
    """A reproduced score with its interval, its mark of significance and its p-value, where it has them."""
    places = decimals(record.metric)
    interval = f" ± {record.half_width:.{places}f}" if record.half_width is not None else ""
    p_value = f" (p = {record.p_value:.3f})" if record.p_value is not None else ""
    return f"{record.value:.{places}f}{interval}{_mark(record)}{p_value}"


def _mark(record: Reproduced) -> str:
    if record.p_value is None or record.delta is None or record.p_value >= SIGNIFICANT:
        return ""
    return "†" if record.delta > 0 else "‡"


def _kinds(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """What is shown of each column: both sides and a difference that means something, or the only side it has."""
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
        # A row's iterations are its identity: both sides give the same, and either may be alone.
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
    # A row that was run may have no speed, a floor for instance, and the left-to-right ones no iterations.
    return "–" if entry.variant and entry.column in DESCRIPTIVE else ""


def _notes(
    number: int, shown: Sequence[Reproduced], metric: str | Mapping[str, str], other_text: str | None
) -> tuple[str, ...]:
    if not shown:
        return ("As published; nothing of this table is run in this tier.",)
    notes = [_signatures(shown, metric) + ("." if other_text else "; Δ is reproduced minus published.")]
    notes.append(f"“{_PUBLISHED_ONLY}”: a row of the paper that was not run here.")
    if other_text:
        notes.append(f"Reproduced on {other_text}, a text that stands for none of the paper's: there is no Δ.")
    if any(record.column == LATENCY for record in shown):
        notes.append("Speeds are of other machines and models on the two sides, so they have no Δ.")
    notes += _NOTES.get(number, ())
    tested = [record for record in shown if record.p_value is not None]
    if tested:
        # Where the columns are metrics, one of them is tested.
        score = "" if isinstance(metric, str) else tested[0].column
        notes.append(significance_note(tested, score) + " A † in a published column is the paper's.")
    counts = {record.seeds for record in shown if record.half_width is not None}
    if counts:
        seeds = " or ".join(str(count) for count in sorted(counts))
        notes.append(f"±: 95 % t-interval of the mean over {seeds} seeds.")
    return tuple(notes)


def _signatures(shown: Sequence[Reproduced], metric: str | Mapping[str, str]) -> str:
    """How each number was computed, in the order of the columns; what several columns share stands once."""
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
    "table", "row", "system", "column", "published", "reproduced", "half_width", "seeds", "p_value", "difference",
    "metric", "note", "provenance",
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
        "p_value": _rounded(reproduced.p_value if reproduced else None),
        "difference": _rounded(entry.difference),
        "metric": reproduced.metric if reproduced else None,
        "note": published.note if published else None,
        "provenance": reproduced.provenance if reproduced else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
