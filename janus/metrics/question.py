"""Scores of generated questions (SQuAD 1.1, Tables 4 and 7): those of GLGE's scorer, and those reported today.

- `bleu4_coco`, `rougeL_coco`, `meteor`: GLGE's `eval_on_unilm_qg.py`, with the scorers of the package `pycocoevalcap`.
  Lines with the same source form one item: all their references count, but only the last of their predictions.
- `bleu_sacre`, `rougeL`: sacreBLEU and `rouge-score` on every line with its own reference.

Predictions are repaired (`janus.metrics.glge_text`) for all of them, and all text is lower-cased.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.rouge.rouge import Rouge
from sacrebleu.metrics import BLEU

from janus.metrics.glge_text import lower, repair_prediction
from janus.metrics.lines import check_lines
from janus.metrics.meteor import Meteor
from janus.metrics.overall import with_overall
from janus.metrics.scores import Scores
from janus.metrics.summary import rouge_score


class Item(NamedTuple):
    """One source: the prediction that counts, and the references of all its lines."""

    prediction: str
    references: list[str]


def score_questions(hypotheses: Sequence[str], references: Sequence[str], sources: Sequence[str]) -> Scores:
    """All scores of generated questions, 0 to 100, as {name: {"value", "signature"}}, `overall` of GLGE's three too.

    Line i of each side is example i; signatures contain the number of lines and of items. Raises InputError where the
    counts of lines differ, where a reference or a source is empty, and where METEOR or its Java is missing; an empty
    hypothesis scores 0.
    """
    predictions, references = _prepared(hypotheses, references, sources)
    items = group_by_source(predictions, references, sources)
    scores = with_overall(_official(items, len(references)), ("rougeL_coco", "bleu4_coco", "meteor"))
    # Suppresses sacreBLEU's warning about tokenised text: there is no untokenised reference.
    sacre = BLEU(lowercase=True, force=True)
    value = sacre.corpus_score(predictions, [references]).score
    scores["bleu_sacre"] = {"value": value, "signature": f"{sacre.get_signature()}|prediction:repaired"}
    return scores | rouge_score(predictions, references, ["rougeL"])


def rouge_l_by_item(
    hypotheses: Sequence[str], references: Sequence[str], sources: Sequence[str]
) -> tuple[list[float], str]:
    """`rougeL_coco` of each item, 0 to 100, in the order of their sources, and its signature; the score is their mean.

    Arguments and errors as in `score_questions`, without METEOR's.
    """
    predictions, references = _prepared(hypotheses, references, sources)
    items = group_by_source(predictions, references, sources)
    return [100 * float(score) for score in _rouge_l(items)], _rouge_l_signature(_count(items, len(references)))


def group_by_source(predictions: Sequence[str], references: Sequence[str], sources: Sequence[str]) -> dict[str, Item]:
    """The items that GLGE scores, by lower-cased source: references of a repeated source are collected, and its last
    prediction replaces earlier ones."""
    items: dict[str, Item] = {}
    for prediction, reference, source in zip(predictions, references, map(_plain, sources), strict=True):
        gathered = items[source].references if source in items else []
        items[source] = Item(prediction, [*gathered, reference])
    return items


def _prepared(
    hypotheses: Sequence[str], references: Sequence[str], sources: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Predictions and references in the form in which they are compared."""
    check_lines(hypotheses, references=references, sources=sources)
    return [lower(repair_prediction(line)) for line in hypotheses], list(map(_plain, references))


def _official(items: dict[str, Item], lines: int) -> Scores:
    gold, said = _by_source(items)
    count = _count(items, lines)
    with Meteor() as meteor:
        _, meteor_score = meteor.score([item.prediction for item in items.values()], list(gold.values()))
    bleu = Bleu(4).compute_score(gold, said, verbose=0)[0][3]
    rouge = float(_rouge_l(items).mean())
    return {
        "bleu4_coco": {"value": 100 * bleu, "signature": f"COCO BLEU-4|reflen:closest|{count}|prediction:repaired"},
        "rougeL_coco": {"value": 100 * rouge, "signature": _rouge_l_signature(count)},
        "meteor": {"value": 100 * meteor_score, "signature": f"{Meteor.signature}|{count}|prediction:repaired"},
    }


def _rouge_l(items: dict[str, Item]) -> np.ndarray:
    """COCO ROUGE-L of each item, 0 to 1."""
    return Rouge().compute_score(*_by_source(items))[1]


def _rouge_l_signature(count: str) -> str:
    return f"COCO ROUGE-L|beta:1.2|{count}|prediction:repaired"


def _count(items: dict[str, Item], lines: int) -> str:
    return f"items:{len(items)}|lines:{lines}"


def _by_source(items: dict[str, Item]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """References and prediction of each source, in the format of `pycocoevalcap`."""
    gold = {source: item.references for source, item in items.items()}
    return gold, {source: [item.prediction] for source, item in items.items()}


def _plain(line: str) -> str:
    return lower(line).strip(" \t\r\n\v\f")
