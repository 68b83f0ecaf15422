"""All scores of summaries together."""

from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics.rouge155 import rouge155
from janus.metrics.summary import rouge_score, score_summary

FOLDER = Path(__file__).parent / "xsum"
HYPOTHESES, REFERENCES = read_lines(FOLDER / "hypotheses.txt"), read_lines(FOLDER / "references.txt")


def test_every_score_is_there_with_its_signature() -> None:
    scores = score_summary(HYPOTHESES, REFERENCES)
    twin = rouge155(HYPOTHESES, REFERENCES)
    assert set(scores) == {*twin, "overall", "rouge1", "rouge2", "rougeL", "rougeLsum"}
    assert {name: scores[name] for name in twin} == twin
    assert scores["overall"]["value"] == pytest.approx(sum(score["value"] for score in twin.values()) / 3, abs=0.01)
    assert len({score["signature"] for score in scores.values()}) == len(scores) - 2


def test_rouge_score_is_the_package_own() -> None:
    scorer = RougeScorer(["rouge2"], use_stemmer=True)
    pairs = zip(REFERENCES, HYPOTHESES, strict=True)
    mean = sum(scorer.score(*pair)["rouge2"].fmeasure for pair in pairs) / len(REFERENCES)
    assert rouge_score(HYPOTHESES, REFERENCES)["rouge2"]["value"] == pytest.approx(100 * mean)


def test_only_rouge_lsum_sees_sentences() -> None:
    scores = rouge_score(["b c . a"], ["a b c"])
    assert scores["rougeL"]["value"] == pytest.approx(200 / 3)
    assert scores["rougeLsum"]["value"] == pytest.approx(100)


def test_the_twin_and_the_package_part_on_real_text() -> None:
    scores = score_summary(HYPOTHESES, REFERENCES)
    assert 0 < abs(scores["rouge1"]["value"] - scores["rouge1_155"]["value"]) < 1


def test_bad_lines_are_refused() -> None:
    with pytest.raises(InputError, match="references:1: empty line"):
        score_summary(["a"], [" "])
    with pytest.raises(InputError, match="references: 2 lines for 1 hypotheses"):
        score_summary(["a"], ["a", "b"])
    with pytest.raises(InputError, match="references:2: empty line"):
        rouge_score(["a", "b"], ["a", ""])
