"""Columns and rows that a table shares with the paper."""

import copy

import pytest
from checked_tiers import DEMO, SYSTEMS, problems


@pytest.mark.parametrize(
    ("tier", "change", "words"),
    [
        (
            "demo",
            lambda tier: tier["tables"]["table1"]["columns"].update({"demo.wmt14.de-en": "WMT14 De-En"}),
            ["tables.table1.columns.demo.wmt14.de-en", "Table 1 has no column 'WMT14 De-En'", "WMT14 De→En", "new:"],
        ),
        (
            "demo",
            lambda tier: tier["tables"]["table6"]["columns"].update({"demo.wmt14.de-en": "WMT14 De→En"}),
            ["Table 6 has no column 'WMT14 De→En'", "choose from: IWSLT14 De→En, WMT16 Ro→En"],
        ),
        # `Iter` describes the rows and contains no scores.
        (
            "demo",
            lambda tier: tier["tables"]["table1"]["columns"].update({"demo.wmt14.de-en": "Iter"}),
            ["Table 1 has no column 'Iter'"],
        ),
    ],
)
def test_a_column_that_the_paper_does_not_have_is_found_when_planning(tier, change, words):
    found = problems(change, of=tier)
    assert any(all(word in line for word in words) for line in found), found


def test_a_published_row_that_no_table_has_is_found_when_planning():
    systems = copy.deepcopy(SYSTEMS)
    systems["cmlm"]["published"][0]["row"] = "CLMM"
    found = problems(lambda tier: None, systems=systems)
    assert len(found) == 1 and "cmlm.published: the paper's Table 1 has no row 'CLMM'" in found[0]


@pytest.mark.parametrize("head", ["IWSLT14 De→En", {"new": "Mine"}])
def test_two_corpora_in_one_column_are_refused(head):
    first, second = DEMO["corpora"][:2]
    (line,) = problems(lambda tier: tier["tables"]["table1"].update(columns={first: head, second: head}))
    assert f"tables.table1.columns.{second}: the column" in line and f"is also used by {first}" in line
