"""Repetition against a count by hand and its invariants."""

import random

import pytest

from janus.metrics.repetition import repetition, repetition_scores


@pytest.mark.parametrize(
    ("lines", "percent"),
    [
        (["a a b"], 100 / 3),
        (["a a a"], 200 / 3),
        (["a b a b"], 0),
        (["a", "a"], 0),
        (["a A"], 0),
        (["", "a a"], 50),
        ([""], 0),
    ],
)
def test_repetition_counts_equal_neighbours_of_one_sentence(lines: list[str], percent: float) -> None:
    assert repetition(lines) == pytest.approx(percent)


def test_doubling_every_word_repeats_half() -> None:
    rng = random.Random(1)
    words = [f"w{n}" for n in range(50)]
    lines = [" ".join(f"{w} {w}" for w in rng.sample(words, 10)) for _ in range(20)]
    assert repetition(lines) == 50


def test_order_of_sentences_does_not_matter() -> None:
    lines = ["a a b c", "d d d", "e f"]
    assert repetition(lines) == repetition(lines[::-1])


def test_subwords_are_counted_apart() -> None:
    scores = repetition_scores(["lala la"], ["la@@ la la"])
    assert scores["repetition"]["value"] == 0
    assert scores["repetition_subword"]["value"] == pytest.approx(100 / 3)
    assert "unit:subword" in scores["repetition_subword"]["signature"]
