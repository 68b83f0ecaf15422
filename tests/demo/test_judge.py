"""Judgements on right, mixed, truncated, doubled and foreign outputs of the translation demo."""

import random

import pytest

from janus.demo.grammar import pairs, translations
from janus.demo.judge import Judge, Verdict
from janus.text.tokenise import tokenise


@pytest.fixture(scope="module")
def cases():
    """Judge, right answers by mode, and the words of one of them, for many sources."""
    text = [(tokenise(a, "de"), tokenise(b, "en").split()) for a, b in pairs("de", "en", 150, seed=7)]
    answers = [translations(source, "de", "en") for source, _ in text]
    return [(Judge(known), list(known.values()), words) for known, (_, words) in zip(answers, text)]


def test_every_answer_is_valid(cases):
    for judge, answers, _ in cases:
        assert all(judge(answer) == Verdict(valid=True, mixed=False) for answer in answers)


def test_what_is_cut_or_doubled_is_wrong_but_of_one_mode(cases):
    for judge, _, words in cases:
        assert judge(tuple(words[:-2])) == Verdict(valid=False, mixed=False)
        assert not judge(tuple(words + words)).valid


def test_two_modes_word_by_word_are_mixed(cases):
    rng, mixed = random.Random(1), 0
    for judge, (formal, colloquial, *_), _ in cases:
        output = tuple(rng.choice(pair) for pair in zip(formal, colloquial))
        verdict = judge(output)
        assert verdict.valid == (output in (formal, colloquial))
        mixed += verdict.mixed
    assert mixed > 0.7 * len(cases)


def test_nothing_is_wrong_and_speaks_for_no_mode(cases):
    for judge, *_ in cases:
        assert judge(()) == Verdict(valid=False, mixed=False)
