"""The companion of a table: every metric of every reproduced cell, each with its signature."""

from collections.abc import Sequence

from janus.report.layout import Group, Table, caption, score_text, significance_note
from janus.report.ledger import Reproduced
from janus.report.names import METRICS, table_name, table_title


def build_metric_table(number: int | str, reproduced: Sequence[Reproduced], *, tier: str, generated: bool) -> Table:
    """All metrics of Table `number`, one line per cell; metrics that no cell has get no column."""
    records = [record for record in reproduced if record.table == number]
    names = [*METRICS, *(record.metric for record in records if record.metric not in METRICS)]
    present = {record.metric for record in records}
    metrics = [name for name in dict.fromkeys(names) if name in present]
    notes = [_signature(metric, records) for metric in metrics]
    if tested := [record for record in records if record.comparisons]:
        notes.append(significance_note(tested, METRICS.get(tested[0].metric, tested[0].metric)))
    lines: dict[tuple[str, str, str], dict[str, Reproduced]] = {}
    for record in records:
        lines.setdefault((record.row, record.variant, record.column), {})[record.metric] = record
    return Table(
        name=f"{table_name(number)}-metrics",
        caption=caption(f"{table_title(number)}, every metric", tier, generated=generated),
        notes=tuple(notes),
        labels=("Row", "System", "Column"),
        groups=tuple(Group(METRICS.get(metric, metric), ("",)) for metric in metrics),
        lines=tuple((*place, *(_text(scores.get(metric)) for metric in metrics)) for place, scores in lines.items()),
        record_columns=("table", "row", "system", "column", *metrics),
        records=tuple(_tidy(number, place, scores) for place, scores in lines.items()),
    )


def _text(record: Reproduced | None) -> str:
    return score_text(record) if record else ""


def _signature(metric: str, records: Sequence[Reproduced]) -> str:
    signatures = dict.fromkeys(record.signature for record in records if record.metric == metric)
    return f"{METRICS.get(metric, metric)}: {' or '.join(signatures)}"


def _tidy(number: int | str, place: tuple[str, str, str], scores: dict[str, Reproduced]) -> dict[str, object]:
    row, system, column = place
    values = {metric: round(record.value, 4) for metric, record in scores.items()}
    return {"table": number, "row": row, "system": system, "column": column, **values}
