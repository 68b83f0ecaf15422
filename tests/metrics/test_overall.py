"""OVERALL against every row of the paper that prints one."""

from decimal import Decimal
from pathlib import Path

import pytest

from janus.metrics.overall import overall, with_overall
from janus.report.published import load_published

PUBLISHED = load_published(Path(__file__).parents[2] / "workflow" / "published")


@pytest.mark.parametrize("table", [2, 4, 5, 7, 8])
def test_every_published_row_within_a_hundredth(table: int) -> None:
    columns = [column for column in PUBLISHED.score_columns(table) if column != "OVERALL"]
    rows = 0
    for row in PUBLISHED.rows(table):
        values = [PUBLISHED.find(table, row, column).value for column in columns]
        printed = PUBLISHED.find(table, row, "OVERALL").value
        if printed is not None and None not in values:
            assert abs(overall(values, [2] * len(values)) - printed) <= Decimal("0.01"), row
            rows += 1
    assert rows >= 2


def test_columns_are_rounded_before_the_mean() -> None:
    assert overall([0.049, 0.049], [1, 1]) == Decimal("0.00")
    assert overall([Decimal("0.05"), Decimal("0.05")], [1, 1]) == Decimal("0.10")


def test_the_signature_names_the_columns() -> None:
    scores = {name: {"value": value, "signature": ""} for name, value in (("a", 1.26), ("b", 2.0), ("c", 9.0))}
    result = with_overall(scores, ("a", "b"), {"a": 1})
    assert result["overall"] == {"value": 1.65, "signature": "mean of printed a (1), b (2)"}
    assert list(result) == ["a", "b", "c", "overall"]
