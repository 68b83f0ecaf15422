"""The second companion of a table: all significance tests, with both p-values and the row compared with."""

from collections.abc import Sequence
from typing import Any

from janus.report.layout import SIGNIFICANT, Group, Table, caption, mark
from janus.report.ledger import Comparison, Reproduced
from janus.report.names import METRICS, table_name, table_title

_HEADS = ("Difference", "p, bootstrap", "p, randomisation", "Mark")
_NOTES = (
    "Difference: row minus “Against”, of several seeds the mean; of several seeds' tests the largest p, or 1 where "
    "seeds disagree on who is better.",
    "Bootstrap: Moses' paired test as sacreBLEU has it, one-sided. Randomisation: two-sided paired approximate "
    f"randomisation. A mark needs p < {SIGNIFICANT} in both: † better, ‡ worse than the baseline; ↑ better, ↓ worse "
    "than the row that it adds to.",
)


def build_comparison_table(number: int | str, reproduced: Sequence[Reproduced], *, tier: str, generated: bool) -> Table:
    """All tests of Table `number`, one line each; empty if nothing was tested."""
    tested = [(record, one) for record in reproduced if record.table == number for one in record.comparisons]
    metrics = dict.fromkeys(METRICS.get(record.metric, record.metric) for record, _ in tested)
    title = f"{table_title(number)}, tests of significance" + (f" of {', '.join(metrics)}" if metrics else "")
    return Table(
        name=f"{table_name(number)}-tests",
        caption=caption(title, tier, generated=generated),
        notes=_NOTES if tested else ("Nothing is tested in this table.",),
        labels=("Row", "System", "Column", "Against"),
        groups=tuple(Group(head, ("",)) for head in _HEADS),
        lines=tuple(_line(record, one) for record, one in tested),
        record_columns=_COLUMNS,
        records=tuple(_tidy(number, record, one) for record, one in tested),
    )


_COLUMNS = (
    "table", "row", "system", "column", "metric", "against", "adds_to_it", "difference", "p_bootstrap",
    "p_randomisation", "seeds",
)  # fmt: skip


def _line(record: Reproduced, one: Comparison) -> tuple[str, ...]:
    difference = f"{one.delta:+.2f}".replace("-", "−")
    p_values = f"{one.p_bootstrap:.4f}", f"{one.p_randomisation:.4f}"
    return record.row, record.variant, record.column, one.against, difference, *p_values, mark(one)


def _tidy(number: int | str, record: Reproduced, one: Comparison) -> dict[str, Any]:
    return {
        "table": number,
        "row": record.row,
        "system": record.variant,
        "column": record.column,
        "metric": record.metric,
        "against": one.against,
        "adds_to_it": one.step,
        "difference": round(one.delta, 4),
        "p_bootstrap": round(one.p_bootstrap, 6),
        "p_randomisation": round(one.p_randomisation, 6),
        "seeds": record.seeds,
    }
