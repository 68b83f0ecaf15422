"""Scores of generated questions (SQuAD 1.1, Tables 4 and 7): as GLGE's scorer makes them, and as one reports today.

- `bleu4_coco`, `rougeL_coco`, `meteor`: GLGE's `eval_on_unilm_qg.py`, with the scorers of the package `pycocoevalcap`.
  Lines with the same source are one item: all their references count, and of their predictions only the last.
- `bleu_sacre`, `rougeL`: sacreBLEU and `rouge-score` on every line with its own reference.

Predictions are repaired (`janus.metrics.glge_text`) for all of them, and all text is lower-cased.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.rouge.rouge import Rouge
from sacrebleu.metrics import BLEU

from janus.metrics.glge_text import lower, repair_prediction
from janus.metrics.lines import check_lines
from janus.metrics.meteor import Meteor
from janus.metrics.overall import with_overall
from janus.metrics.summary import rouge_score

Scores = dict[str, dict[str, float | str]]


class Item(NamedTuple):
    """All that is said of one source: the prediction that counts, and the references of all its lines."""

    prediction: str
    references: list[str]


def score_questions(hypotheses: Sequence[str], references: Sequence[str], sources: Sequence[str]) -> Scores:
    """All scores of generated questions, 0 to 100, as {name: {"value", "signature"}}, `overall` of GLGE's three too.

    Line i of each side is example i; signatures tell the number of lines and of items. Raises InputError where the
    counts of lines differ, where a reference or a source is empty, and where METEOR or its Java is missing; an empty
    hypothesis scores 0.
    """
    check_lines(hypotheses, references=references, sources=sources)
    predictions, references = [lower(repair_prediction(line)) for line in hypotheses], list(map(_plain, references))
    items = group_by_source(predictions, references, sources)
    count = f"items:{len(items)}|lines:{len(references)}"
    scores = with_overall(_official(items, count), ("rougeL_coco", "bleu4_coco", "meteor"))
    # Forced: there is no untokenised reference to prefer.
    sacre = BLEU(lowercase=True, force=True)
    value = sacre.corpus_score(predictions, [references]).score
    scores["bleu_sacre"] = {"value": value, "signature": f"{sacre.get_signature()}|prediction:repaired"}
    return scores | rouge_score(predictions, references, ["rougeL"])


def group_by_source(predictions: Sequence[str], references: Sequence[str], sources: Sequence[str]) -> dict[str, Item]:
    """The items that GLGE scores, by lower-cased source: a repeated source gathers its references, and its last
    prediction replaces the ones before."""
    items: dict[str, Item] = {}
    for prediction, reference, source in zip(predictions, references, map(_plain, sources), strict=True):
        gathered = items[source].references if source in items else []
        items[source] = Item(prediction, [*gathered, reference])
    return items


def _official(items: dict[str, Item], count: str) -> Scores:
    gold = {source: item.references for source, item in items.items()}
    said = {source: [item.prediction] for source, item in items.items()}
    with Meteor() as meteor:
        _, meteor_score = meteor.score([item.prediction for item in items.values()], list(gold.values()))
    bleu = Bleu(4).compute_score(gold, said, verbose=0)[0][3]
    rouge = float(Rouge().compute_score(gold, said)[0])
    return {
        "bleu4_coco": {"value": 100 * bleu, "signature": f"COCO BLEU-4|reflen:closest|{count}|prediction:repaired"},
        "rougeL_coco": {"value": 100 * rouge, "signature": f"COCO ROUGE-L|beta:1.2|{count}|prediction:repaired"},
        "meteor": {"value": 100 * meteor_score, "signature": f"{Meteor.signature}|{count}|prediction:repaired"},
    }


def _plain(line: str) -> str:
    return lower(line).strip(" \t\r\n\v\f")
