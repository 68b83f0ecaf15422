"""Scores of replies against the releases of NLTK that the old formulas come from, and the laws of method 7."""

import json
from pathlib import Path

import pytest
import sacrebleu
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics.dialogue import SMOOTHINGS, bleu1_by_reply, mean_sentence_bleu, score_dialogue

FOLDER = Path(__file__).parent / "chitchat"
HYPOTHESES, REFERENCES = read_lines(FOLDER / "hypotheses.txt"), read_lines(FOLDER / "references.txt")
RELEASES = json.loads((FOLDER / "nltk.json").read_text(encoding="utf-8"))
VARIANT_OF = {"3.2.5": "nltk34", "3.4.5": "nltk34", "3.5": "nltk35", "3.6.2": "nltk36", "3.9.2": "nltk36"}


def pair(hypothesis: str, reference: str) -> tuple[list[str], list[str]]:
    return hypothesis.strip().split(" "), reference.strip().split(" ")


@pytest.mark.parametrize("release", RELEASES)
def test_each_sentence_is_the_release_own(release: str) -> None:
    variant = VARIANT_OF[release]
    for i, sides in enumerate(zip(HYPOTHESES, REFERENCES, strict=True)):
        scores = mean_sentence_bleu([pair(*sides)], variant)
        expected = {f"bleu{n}_{variant}": 100 * RELEASES[release][f"bleu{n}"][i] for n in (1, 2)}
        assert {name: score["value"] for name, score in scores.items()} == pytest.approx(expected, abs=1e-9), sides


@pytest.mark.parametrize("release", RELEASES)
def test_the_mean_is_over_sentences(release: str) -> None:
    scores = score_dialogue(HYPOTHESES, REFERENCES)
    for order in (1, 2):
        expected = 100 * sum(RELEASES[release][f"bleu{order}"]) / len(HYPOTHESES)
        assert scores[f"bleu{order}_{VARIANT_OF[release]}"]["value"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("release", RELEASES)
def test_bleu1_of_each_reply_is_the_release_own(release: str) -> None:
    variant = VARIANT_OF[release]
    values, signature = bleu1_by_reply(HYPOTHESES, REFERENCES, variant)
    assert values == pytest.approx([100 * value for value in RELEASES[release]["bleu1"]], abs=1e-9)
    assert signature == score_dialogue(HYPOTHESES, REFERENCES)[f"bleu1_{variant}"]["signature"]


def test_the_new_variant_is_the_installed_release() -> None:
    said, gold = pair("do you like the new car ?", "i do like a new car")
    expected = sentence_bleu([gold], said, [0.5, 0.5, 0, 0], SmoothingFunction().method7)
    scores = mean_sentence_bleu([(said, gold)], "nltk36")
    assert scores["bleu2_nltk36"]["value"] == pytest.approx(100 * expected)


@pytest.mark.parametrize("variant", SMOOTHINGS)
def test_any_shared_word_is_worth_a_third(variant: str) -> None:
    said = "one " + " ".join(f"x{i}" for i in range(60))
    gold = "one " + " ".join(f"y{i}" for i in range(60))
    score = mean_sentence_bleu([pair(said, gold)], variant)[f"bleu1_{variant}"]["value"]
    assert 100 / 3 < score < 50


@pytest.mark.parametrize("variant", SMOOTHINGS)
def test_the_reference_itself_scores_over_a_hundred(variant: str) -> None:
    gold = pair("i do like a new car", "i do like a new car")
    scores = [score["value"] for score in mean_sentence_bleu([gold], variant).values()]
    # (1 + 2 + 1) / 3, and the same with bigrams: sqrt(4/3 · (4/3 + 2) / 3).
    assert scores == pytest.approx([400 / 3, 100 * (4 / 3 * 10 / 9) ** 0.5])


def test_no_shared_word_scores_zero() -> None:
    scores = score_dialogue(["a b c d"], ["e f g h"])
    assert all(scores[f"bleu{n}_{variant}"]["value"] == 0 for n in (1, 2) for variant in SMOOTHINGS)


def test_an_empty_hypothesis_scores_zero() -> None:
    scores = score_dialogue(["", ""], ["e f", "g"])
    assert all(score["value"] == 0 for name, score in scores.items() if name.startswith("bleu"))
    # One empty token twice, as the scorer counts it.
    assert scores["distinct1"]["value"] == pytest.approx(50, abs=1e-3)
    assert scores["distinct2"]["value"] == pytest.approx(0, abs=1e-3)


def test_corpus_bleu_is_sacrebleu() -> None:
    scores = score_dialogue(HYPOTHESES, REFERENCES)
    whole = sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES], tokenize="none", smooth_method="none", force=True)
    assert scores["bleu1_corpus"]["value"] == pytest.approx(whole.bp * whole.precisions[0])
    assert scores["bleu2_corpus"]["value"] == pytest.approx(
        whole.bp * (whole.precisions[0] * whole.precisions[1]) ** 0.5
    )


def test_distinct_counts_over_the_corpus() -> None:
    scores = score_dialogue(["a b a", "a b c"], ["x", "y"])
    assert scores["distinct1"]["value"] == pytest.approx(50, abs=1e-3)
    assert scores["distinct2"]["value"] == pytest.approx(75, abs=1e-3)


def test_overall_is_of_the_columns_as_printed() -> None:
    scores = score_dialogue(HYPOTHESES, REFERENCES)
    value = {name: score["value"] for name, score in scores.items()}
    printed = [round(value[name], places) for name, places in (("bleu1_nltk35", 2), ("bleu2_nltk35", 2))]
    printed += [round(value[name], 1) for name in ("distinct1", "distinct2")]
    assert value["overall"] == pytest.approx(sum(printed) / 4, abs=0.0051)
    assert "distinct1 (1)" in scores["overall"]["signature"]


def test_every_signature_is_its_own() -> None:
    signatures = [score["signature"] for score in score_dialogue(HYPOTHESES, REFERENCES).values()]
    assert len(set(signatures)) == len(signatures) == 11


def test_bad_lines_are_refused() -> None:
    with pytest.raises(InputError, match="references:2: empty line"):
        score_dialogue(["a", "b"], ["a", ""])
    with pytest.raises(InputError, match="references: 1 lines for 2 hypotheses"):
        score_dialogue(["a", "b"], ["a"])
