"""Scores of questions against GLGE's scorer, and its grouping against what it must do."""

import json
import lzma
from itertools import zip_longest
from pathlib import Path

import pytest
from real_data import BESIDE, PIECES, needs
from sacrebleu.metrics import BLEU

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics import question
from janus.metrics.glge_text import lower, repair_prediction
from janus.metrics.question import Item, group_by_source, rouge_l_by_item, score_questions

FOLDER = Path(__file__).parent / "fairytale"
HYPOTHESES, REFERENCES, SOURCES = (
    read_lines(FOLDER / f"{side}.txt") for side in ("hypotheses", "references", "sources")
)
GOLDEN = json.loads((FOLDER / "glge.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scores() -> question.Scores:
    return score_questions(HYPOTHESES, REFERENCES, SOURCES)


@pytest.mark.slow
def test_the_three_scores_are_those_of_the_scorer(scores: question.Scores) -> None:
    values = [scores[name]["value"] / 100 for name in ("bleu4_coco", "rougeL_coco", "meteor")]
    assert values == pytest.approx([GOLDEN[name] for name in ("bleu4", "rougeL", "meteor")], abs=1e-12)
    assert scores["overall"]["value"] == pytest.approx(100 * sum(values) / 3, abs=0.01)


@pytest.mark.slow
def test_rouge_l_of_each_item_averages_to_the_scorers(scores: question.Scores) -> None:
    values, signature = rouge_l_by_item(HYPOTHESES, REFERENCES, SOURCES)
    assert len(values) == GOLDEN["items"] < len(SOURCES)
    assert sum(values) / len(values) == pytest.approx(100 * GOLDEN["rougeL"], abs=1e-9)
    assert signature == scores["rougeL_coco"]["signature"]
    # The last prediction of a source counts, against the better of its references.
    assert rouge_l_by_item(["x", "no", "b"], ["b", "no", "z"], ["s", "t", "S"])[0] == [100, 100]


@pytest.mark.slow
def test_bleu_is_sacrebleu_with_several_references(scores: question.Scores) -> None:
    predictions = [lower(repair_prediction(line)) for line in HYPOTHESES]
    items = group_by_source(predictions, list(map(lower, REFERENCES)), SOURCES).values()
    columns = [list(column) for column in zip_longest(*(item.references for item in items))]
    metric = BLEU(tokenize="none", force=True, smooth_method="none")
    expected = metric.corpus_score([item.prediction for item in items], columns).score
    assert scores["bleu4_coco"]["value"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_signatures_tell_items_from_lines(scores: question.Scores) -> None:
    assert set(scores) == {"bleu4_coco", "rougeL_coco", "meteor", "overall", "bleu_sacre", "rougeL"}
    assert len({score["signature"] for score in scores.values()}) == len(scores)
    for name in ("bleu4_coco", "rougeL_coco", "meteor"):
        assert f"items:{GOLDEN['items']}|lines:48" in scores[name]["signature"]
    assert "case:lc" in scores["bleu_sacre"]["signature"]


def test_a_repeated_source_keeps_the_last_prediction_and_all_references() -> None:
    items = group_by_source(["p1", "p2", "p3"], ["r1", "r2", "r3"], ["The CAT", "dog", " the cat "])
    assert items == {"the cat": Item("p3", ["r1", "r3"]), "dog": Item("p2", ["r2"])}


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ((["a"], ["b"], ["c", "d"]), "sources: 2 lines for 1 hypotheses"),
        ((["a"], ["b"], [""]), "sources:1: empty line"),
        ((["a"], [""], ["c"]), "references:1: empty line"),
        (([], [], []), "no lines to score"),
    ],
)
def test_bad_lines_are_refused(sides: tuple[list[str], list[str], list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        score_questions(*sides)


@pytest.mark.parametrize(
    ("folder", "lines", "expected"),
    [
        (PIECES, 600, 329),
        pytest.param(BESIDE, 11877, 6652, marks=needs("squad-qg", "700 kB")),
    ],
    ids=["piece", "whole"],
)
def test_squad_has_fewer_items_than_lines(folder: Path, lines: int, expected: int) -> None:
    sources, references = (
        lzma.open(folder / f"squad-qg/{side}-test.txt.xz", "rt", encoding="utf-8").read().splitlines()
        for side in ("src", "tgt")
    )
    items = group_by_source(references, references, sources)
    assert len(sources) == lines
    assert len(items) == len({source.strip().lower() for source in sources}) == expected
    assert sum(len(item.references) for item in items.values()) == len(sources)
