"""What stands where in a table, before any format: captions, heads, lines of text."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from janus.report.ledger import Entry, Reproduced, join
from janus.report.published import DESCRIPTIVE, Published

SIGNIFICANT = 0.01

TITLES = {
    1: "Translation, BLEU",
    2: "Summarisation on XSum",
    3: "Token repetition after 1, 4 and 10 iterations, %",
    4: "Question generation on SQuAD 1.1",
    5: "Dialogue on PersonaChat",
    6: "Ablation of the losses on translation, BLEU",
    7: "SQuAD 1.1 after different pre-trainings",
    8: "XSum after different pre-trainings",
}
METRICS = {
    "bleu_tok": "BLEU, tokenised",
    "bleu_split": "BLEU, compounds split",
    "bleu_sacre": "sacreBLEU",
    "chrfpp": "chrF++",
    "valid": "valid %",
    "mixed": "mixed %",
    "repetition": "repetition %",
    "repetition_subword": "subword repetition %",
}

_PUBLISHED_ONLY = "published only"
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
    metric: str | None = None,
    added_rows: Collection[str] = (),
    added_columns: Collection[str] = (),
) -> Table:
    """Table `number` of the paper with published, reproduced and their difference side by side.

    `generated` says that the tier's text is generated, and the caption then says what such numbers are worth. `metric`
    is the score shown, by default tokenised BLEU, in Table 3 repetition. A column that nothing reproduces shows what
    was published alone, an added one what was reproduced. For `added_rows`, `added_columns` and errors see
    `ledger.join`.
    """
    metric = metric or ("repetition" if number == 3 else "bleu_tok")
    entries = join(published, reproduced, number, metric=metric, added_rows=added_rows, added_columns=added_columns)
    kinds = _kinds(entries)
    shown = [record for record in reproduced if record.table == number and record.metric == metric]
    return Table(
        name=f"table{number}",
        caption=caption(f"Table {number} of the paper: {TITLES[number]}", tier, generated=generated and bool(shown)),
        notes=_notes(shown, metric),
        labels=("Row", "System") if shown else ("Row",),
        groups=_groups(kinds, plain=not shown),
        lines=tuple(_line(line, kinds, named=bool(shown)) for line in _by_line(entries)),
        record_columns=_RECORD_COLUMNS,
        records=tuple(_tidy(number, entry) for entry in entries),
    )


def caption(title: str, tier: str, *, generated: bool) -> str:
    """A caption that names the tier and, for generated text, says what its numbers are worth."""
    return f"{title}. Tier: {tier}." + (f" {_GENERATED}" if generated else "")


def score_text(record: Reproduced) -> str:
    """A reproduced score with its interval, its mark of significance and its p-value, where it has them."""
    interval = f" ± {record.half_width:.2f}" if record.half_width is not None else ""
    p_value = f" (p = {record.p_value:.3f})" if record.p_value is not None else ""
    return f"{record.value:.2f}{interval}{_mark(record)}{p_value}"


def _mark(record: Reproduced) -> str:
    if record.p_value is None or record.delta is None or record.p_value >= SIGNIFICANT:
        return ""
    return "†" if record.delta > 0 else "‡"


def _kinds(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """What is shown of each column: both sides and their difference, or the only side it has."""
    both, kinds = ("published", "reproduced", "Δ"), {}
    for column in dict.fromkeys(entry.column for entry in entries):
        cells = [entry for entry in entries if entry.column == column]
        published = any(entry.published for entry in cells)
        reproduced = any(entry.reproduced for entry in cells)
        kinds[column] = both if published and reproduced else both[:1] if published else both[1:2]
    return kinds


def _groups(kinds: dict[str, tuple[str, ...]], *, plain: bool) -> tuple[Group, ...]:
    return tuple(Group(column, ("",) if plain or column in DESCRIPTIVE else heads) for column, heads in kinds.items())


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
        if entry.published is None or entry.published.value is None:
            return "–"
        return f"{entry.published.value}{'†' if '†' in entry.published.note else ''}"
    if kind == "reproduced":
        return score_text(entry.reproduced) if entry.reproduced else ""
    return f"{entry.difference:+.2f}".replace("-", "−") if entry.difference is not None else ""


def _notes(shown: Sequence[Reproduced], metric: str) -> tuple[str, ...]:
    notes = [] if shown else ["As published; nothing of this table is run in this tier."]
    if shown:
        signatures = " or ".join(dict.fromkeys(record.signature for record in shown))
        notes.append(f"Reproduced: {METRICS.get(metric, metric)} [{signatures}]; Δ is reproduced minus published.")
        notes.append(f"“{_PUBLISHED_ONLY}”: a row of the paper that was not run here.")
    tested = [record for record in shown if record.p_value is not None]
    if tested:
        baselines = ", ".join(dict.fromkeys(record.baseline for record in tested if record.baseline))
        against = f"its baseline ({baselines})" if baselines else "its baseline"
        notes.append(
            f"† better, ‡ worse than {against} with p < {SIGNIFICANT}, paired bootstrap; of several seeds' tests the "
            "largest p. A † in a published column is the paper's."
        )
    counts = {record.seeds for record in shown if record.half_width is not None}
    if counts:
        seeds = " or ".join(str(count) for count in sorted(counts))
        notes.append(f"±: 95 % t-interval of the mean over {seeds} seeds.")
    return tuple(notes)


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
