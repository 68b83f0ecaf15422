"""Scores of summaries (XSum, Tables 2 and 8): ROUGE as in the paper, and as reported today.

- `rouge1_155`, `rouge2_155`, `rougeL_155`: ROUGE-1.5.5 as GLGE calls it (`janus.metrics.rouge155`).
- `rouge1`, `rouge2`, `rougeL`, `rougeLsum`: the package `rouge-score`, with its stemmer; rougeL treats a text as one
  sequence, rougeLsum sentence by sentence.
"""

import importlib.metadata
from collections.abc import Sequence

from rouge_score.rouge_scorer import RougeScorer

from janus.metrics.lines import check_lines
from janus.metrics.overall import with_overall
from janus.metrics.rouge155 import rouge155
from janus.metrics.scores import Scores

_TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def score_summary(hypotheses: Sequence[str], references: Sequence[str]) -> Scores:
    """All scores of summaries, 0 to 100, as {name: {"value", "signature"}}, `overall` of the published columns too.

    Both sides are tokenised and lower-cased as GLGE's; line i of each is document i, and " ." ends a sentence in it.
    Raises InputError where the counts of lines differ or a reference is empty; an empty hypothesis scores 0.
    """
    scores = rouge155(hypotheses, references)
    return with_overall(scores, ("rouge1_155", "rouge2_155", "rougeL_155")) | rouge_score(hypotheses, references)


def rouge_score(hypotheses: Sequence[str], references: Sequence[str], types: Sequence[str] = _TYPES) -> Scores:
    """Mean F1 of the package `rouge-score`, stemmed, times 100, for each of its `types`."""
    check_lines(hypotheses, references=references)
    scorer = RougeScorer(list(types), use_stemmer=True)
    documents = [scorer.score(*map(_one_a_line, pair)) for pair in zip(references, hypotheses, strict=True)]
    version = importlib.metadata.version("rouge-score")
    return {
        name: {
            "value": 100 * sum(scores[name].fmeasure for scores in documents) / len(documents),
            "signature": f"rouge-score|{name}|stem:yes|eos: .|f1|mean|version:{version}",
        }
        for name in types
    }


def _one_a_line(text: str) -> str:
    """One sentence per line, as rougeLsum expects."""
    return text.replace(" . ", " .\n")
