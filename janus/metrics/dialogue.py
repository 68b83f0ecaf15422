"""Scores of replies (PersonaChat, Table 5): those of GLGE's scorer under each NLTK, and corpus BLEU.

GLGE averages NLTK's sentence BLEU under smoothing method 7, whose first step, method 4, was rewritten twice:

| name | NLTK | count given to the i-th order (from 0) without a match, in a hypothesis of L tokens |
|---|---|---|
| `bleu1_nltk34`, `bleu2_nltk34` | 3.2.2 to 3.4.5 | precision 1 / (i + 5 / ln L), whatever the number of n-grams |
| `bleu1_nltk35`, `bleu2_nltk35` | 3.5 | i + 5 / ln L |
| `bleu1_nltk36`, `bleu2_nltk36` | 3.6 on | ln L / (5 · 2^k), k = 1 for the first such order, then 2, … |

Earlier versions are older than PersonaChat. Method 5 then averages each precision with its neighbours, starting from
p_1 + 1: the unigram precision that counts is (1 + 2 p_1 + p_2) / 3, at least a third for anything that shares a word.

`bleu1_corpus`, `bleu2_corpus` are corpus BLEU without smoothing. `distinct1`, `distinct2` are the distinct n-grams of
all hypotheses over all their n-grams, in percent as the tables print them.
"""

import importlib.metadata
import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from sacrebleu.metrics import BLEU

from janus.metrics.lines import check_lines
from janus.metrics.overall import with_overall
from janus.metrics.scores import Scores

# As passed by the scorer: both use four orders, whose smoothing affects the first two.
_WEIGHTS = ((1, 0, 0, 0), (0.5, 0.5, 0, 0))
_PUBLISHED = ("bleu1_nltk35", "bleu2_nltk35", "distinct1", "distinct2")


class SmoothingOf34(SmoothingFunction):
    """Method 4, and with it method 7, as in NLTK 3.2.2 to 3.4.5."""

    def method4(self, p_n: list[Fraction], references: Any, hypothesis: Any, hyp_len: int, *_: Any) -> list[Any]:
        """`p_n` with each precision of no match replaced, see the module's table."""
        return [p if p.numerator else 1 / _count(self.k, order, hyp_len) for order, p in enumerate(p_n)]


class SmoothingOf35(SmoothingFunction):
    """Method 4, and with it method 7, as in NLTK 3.5."""

    def method4(self, p_n: list[Fraction], references: Any, hypothesis: Any, hyp_len: int, *_: Any) -> list[Any]:
        """`p_n` with each precision of no match replaced, see the module's table."""
        return [p if p.numerator else _count(self.k, order, hyp_len) / p.denominator for order, p in enumerate(p_n)]


SMOOTHINGS = {
    "nltk34": (SmoothingOf34, "3.2.2-3.4.5"),
    "nltk35": (SmoothingOf35, "3.5"),
    "nltk36": (SmoothingFunction, f"{importlib.metadata.version('nltk')}, as 3.6 on"),
}


def score_dialogue(hypotheses: Sequence[str], references: Sequence[str]) -> Scores:
    """All scores of replies, 0 to 100, as {name: {"value", "signature"}}, with `overall` of GLGE's four under NLTK 3.5.

    Both sides are tokenised and lower-cased as GLGE's, tokens separated by single spaces. Raises InputError where the
    counts of lines differ or a reference is empty; an empty hypothesis scores 0.
    """
    pairs = _pairs(hypotheses, references)
    scores: Scores = {}
    for variant in SMOOTHINGS:
        scores |= mean_sentence_bleu(pairs, variant)
    for order in (1, 2):
        scores[f"bleu{order}_corpus"] = _corpus_bleu(hypotheses, references, order)
        scores[f"distinct{order}"] = _distinct([hypothesis for hypothesis, _ in pairs], order)
    return with_overall(scores, _PUBLISHED, {"distinct1": 1, "distinct2": 1})


def mean_sentence_bleu(pairs: Sequence[tuple[list[str], list[str]]], variant: str) -> Scores:
    """Mean sentence BLEU-1 and -2 of tokenised (hypothesis, reference) pairs; `variant` is a key of SMOOTHINGS."""
    scores = _sentence_bleus(pairs, variant)
    return {
        f"bleu{order}_{variant}": {
            "value": 100 * sum(score[order - 1] for score in scores) / len(scores),
            "signature": _signature(order, variant),
        }
        for order in (1, 2)
    }


def bleu1_by_reply(
    hypotheses: Sequence[str], references: Sequence[str], variant: str = "nltk35"
) -> tuple[list[float], str]:
    """Sentence BLEU-1 of each reply, 0 to 100, and its signature; the score is their mean.

    Arguments and errors as in `score_dialogue`; `variant` is a key of SMOOTHINGS.
    """
    scores = _sentence_bleus(_pairs(hypotheses, references), variant)
    return [100 * score for score, _ in scores], _signature(1, variant)


def _pairs(hypotheses: Sequence[str], references: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Tokens of both sides of each example."""
    check_lines(hypotheses, references=references)
    return list(zip(map(_tokens, hypotheses), map(_tokens, references), strict=True))


def _sentence_bleus(pairs: Sequence[tuple[list[str], list[str]]], variant: str) -> list[list[float]]:
    """BLEU-1 and -2 of each pair, 0 to 1 and, by the smoothing, above."""
    smoothing, _ = SMOOTHINGS[variant]
    return [_sentence_bleu(*pair, smoothing()) for pair in pairs]


def _signature(order: int, variant: str) -> str:
    return f"NLTK sentence BLEU-{order}|smooth:method7|nltk:{SMOOTHINGS[variant][1]}|mean"


def _sentence_bleu(hypothesis: list[str], reference: list[str], smoothing: SmoothingFunction) -> list[float]:
    try:
        return sentence_bleu([reference], hypothesis, _WEIGHTS, smoothing.method7)
    except ZeroDivisionError:
        # ln 1 in the old formulas: the scorer counts a hypothesis as 0 if NLTK fails.
        return [0.0, 0.0]


def _count(k: float, order: int, hyp_len: int) -> float:
    return order + k / math.log(hyp_len)


def _corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], order: int) -> dict[str, float | str]:
    metric = BLEU(tokenize="none", force=True, smooth_method="none", max_ngram_order=order)
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    return {"value": value, "signature": f"{metric.get_signature()}|order:{order}"}


def _distinct(sentences: Sequence[list[str]], order: int) -> dict[str, float | str]:
    ngrams = Counter(
        ngram for words in sentences for ngram in zip(*(words[start:] for start in range(order)), strict=False)
    )
    # The scorer's own guard against an empty corpus.
    value = 100 * (len(ngrams) + 1e-12) / (ngrams.total() + 1e-5)
    return {"value": value, "signature": f"distinct-{order}|corpus|types/tokens|percent"}


def _tokens(line: str) -> list[str]:
    # Split at single spaces, as in the scorer: an empty line is one empty token.
    return line.strip().split(" ")
