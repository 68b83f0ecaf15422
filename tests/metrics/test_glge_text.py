"""The repair of predictions against what GLGE's own function gave for random tokens."""

import json
from pathlib import Path

import pytest

from janus.metrics.glge_text import lower, repair_prediction

REPAIRED = json.loads((Path(__file__).parent / "fairytale" / "repair.json").read_text(encoding="utf-8"))


def test_repairs_are_those_of_the_scorer() -> None:
    assert len(REPAIRED) == 120
    assert [(line, repair_prediction(line)) for line, _ in REPAIRED] == [tuple(pair) for pair in REPAIRED]


@pytest.mark.parametrize(
    ("tokens", "repaired"),
    [
        ("don ' t", "do n't"),
        ("' t", "` t"),
        ("king ' s ' ll ' d", "king 's 'll 'd"),
        ('" a " b "', "`` a '' b ``"),
        ("' a ' b", "` a ' b"),
        ("a well - known - fact", "a well-known-fact"),
        ("- a -", "- a -"),
        ("a - - b", "a -- b"),
        ("1 , 000 , 000", "1,000,000"),
        ("3 . 14 . 15", "3.14 . 15"),
        ("wait . . . .", "wait ... ."),
        ("U . N . said", "U.N. . said"),
        ("U . S . A . x", "U.S. . A . x"),
        ("( [ { [UNK] & < > } ] )", "-lrb- -lsb- -lcb- UNK &amp; &lt; &gt; -rcb- -rsb- -rrb-"),
        ("", ""),
        ("  a \t b ", "a b"),
    ],
)
def test_each_rule(tokens: str, repaired: str) -> None:
    assert repair_prediction(tokens) == repaired


def test_the_treebank_tokens_of_references_stay() -> None:
    line = "`` who is n't the king 's co-founder '' , 3,000 -lrb- 1.5 -rrb- -- u.s. ?"
    assert repair_prediction(line) == line


def test_only_ascii_is_lowered() -> None:
    assert lower("ÀB É Çd") == "Àb É Çd"
