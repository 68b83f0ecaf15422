"""The join of both sides, and what it refuses."""

import dataclasses
import re
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.report.ledger import Comparison, Reproduced, join, load_reproduced, write_reproduced
from janus.report.published import Published

RECORD = Reproduced(
    table=1, row="JANUS-AR", variant="JANUS (paper)", column="IWSLT14 De→En", metric="bleu_tok", value=36.5,
    half_width=0.25, seeds=3, comparisons=(Comparison("Transformer", False, 1.5, 0.002, 0.001),), signature="sig",
    provenance="a.json",
)  # fmt: skip


def replace(**changes: object) -> Reproduced:
    return dataclasses.replace(RECORD, **changes)


def test_a_cell_has_both_sides_and_their_difference(published: Published) -> None:
    entries = join(published, [RECORD, replace(variant="JANUS (release)", value=37.5)], 1, metric="bleu_tok")
    found = {entry.variant: entry for entry in entries if entry.row == "JANUS-AR" and entry.column == "IWSLT14 De→En"}
    assert found["JANUS (paper)"].difference == pytest.approx(36.5 - 37.24)
    assert found["JANUS (release)"].difference == pytest.approx(37.5 - 37.24)


def test_rows_that_nothing_fills_stay(published: Published) -> None:
    entries = join(published, [RECORD], 1, metric="bleu_tok")
    assert list(dict.fromkeys(entry.row for entry in entries)) == published.rows(1)
    glat = [entry for entry in entries if entry.row == "GLAT"]
    assert {entry.variant for entry in glat} == {""} and all(entry.reproduced is None for entry in glat)
    assert str(glat[0].published.value) == "32.49" and glat[0].difference is None


def test_a_cell_without_a_published_number_has_no_difference(published: Published) -> None:
    entries = join(published, [replace(row="DisCo", variant="x")], 1, metric="bleu_tok")
    (entry,) = [entry for entry in entries if entry.row == "DisCo" and entry.column == "IWSLT14 De→En"]
    assert entry.reproduced.value == 36.5 and entry.difference is None


def test_other_tables_and_metrics_are_left_out(published: Published) -> None:
    others = [replace(table=6, row="AR"), replace(metric="chrfpp", row="no such row")]
    assert all(entry.reproduced is None for entry in join(published, others, 1, metric="bleu_tok"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"row": "JANUS AR"}, "Table 1 has no row 'JANUS AR'"),
        ({"column": "Multi30k De→En"}, "Table 1 has no column 'Multi30k De→En'"),
    ],
)
def test_a_place_that_the_paper_does_not_have_is_named(
    published: Published, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        join(published, [replace(**changes)], 1, metric="bleu_tok")


def test_a_declared_place_is_added_at_the_end(published: Published) -> None:
    record = replace(row="My system", column="Multi30k De→En")
    added = {"added_rows": ["My system"], "added_columns": ["Multi30k De→En"]}
    entries = join(published, [record], 1, metric="bleu_tok", **added)
    assert entries[-1].reproduced == record and entries[-1].published is None


def test_a_repeated_record_is_refused(tmp_path: Path) -> None:
    write_reproduced([RECORD, RECORD], tmp_path / "r.csv")
    with pytest.raises(InputError, match="bleu_tok is given twice"):
        load_reproduced(tmp_path / "r.csv")


@pytest.mark.parametrize(("old", "new"), [("36.5", "high"), ("36.5", "nan"), ("0.25", "<0.3"), ("36.5", "")])
def test_a_value_that_is_not_a_number_is_refused(tmp_path: Path, old: str, new: str) -> None:
    write_reproduced([RECORD], tmp_path / "r.csv")
    text = (tmp_path / "r.csv").read_text()
    (tmp_path / "r.csv").write_text(text.replace(old, new))
    with pytest.raises(InputError, match=f"{new!r}, not a number"):
        load_reproduced(tmp_path / "r.csv")
