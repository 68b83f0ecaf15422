"""Corpus scores as functions of sums over sentences, so that sentences can be resampled.

Corpus BLEU is not a mean of sentence scores: resampled are sacreBLEU's counts of matched and possible n-grams and of
lengths, and BLEU is computed from their sums. Repetition is a ratio of sums as well, and so are scores that are means
over items, with a count of 1 per item.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics.dialogue import bleu1_by_reply
from janus.metrics.lines import check_lines
from janus.metrics.question import rouge_l_by_item
from janus.metrics.repetition import repeats_and_tokens
from janus.metrics.rouge155 import MEASURES, f1_by_document
from janus.metrics.task_files import read_decoded
from janus.metrics.translation import hide_unknown, token_bleu
from janus.metrics.validity import SHARES, Verdict
from janus.text.subwords import remove_bpe

_ORDERS = 4


@dataclass(frozen=True)
class TestSet:
    """The text that outputs are scored against: its task (janus.fetching.manifest) and files.

    `vocabulary` is the folder of the subwords, None where they are marked with @@. The sources of translation are not
    read without `check`, (source, output) -> Verdict, which generated corpora have.
    """

    task: str
    references: Path
    sources: Path
    vocabulary: Path | None = None
    check: Callable[[str, str], Verdict] | None = None


@dataclass(frozen=True)
class Measure:
    """One metric: `statistics` of outputs, references, sources and the judge of a generated corpus, [N, K], and the
    `score` of their sums, [..., K] -> [...], 0 to 100."""

    tasks: tuple[str, ...]
    statistics: Callable[..., NDArray]
    score: Callable[[NDArray], NDArray]


def sentence_statistics(metric: str, outputs: Path, test_set: TestSet) -> NDArray:
    """The statistics [N, K] of a decoded file, one row per sentence (of questions: per item, in the order of sources).

    `metric` is a key of MEASURES_BY_METRIC. Raises InputError for a metric that the task does not have, a file that is
    missing or not text, and different line counts.
    """
    measure = MEASURES_BY_METRIC[metric]
    if test_set.task not in measure.tasks:
        raise InputError(
            f"no {metric} of the task {test_set.task}", where=outputs, fix=f"it is of: {', '.join(measure.tasks)}"
        )
    if test_set.task == "translation":
        said = [remove_bpe(line) for line in read_lines(outputs)]
        references, sources = read_lines(test_set.references), []
        check_lines(said, places={"hypotheses": outputs, "references": test_set.references}, references=references)
        if metric in SHARES:
            sources = _judged(metric, said, outputs, test_set)
    else:
        lines = read_decoded(outputs, test_set.vocabulary, test_set.references, test_set.sources)
        said, references, sources = lines.outputs, lines.references, lines.sources
    return measure.statistics(said, references, sources, test_set.check)


def _judged(metric: str, said: Sequence[str], outputs: Path, test_set: TestSet) -> list[str]:
    """The sources of a test set whose outputs can be judged."""
    if test_set.check is None:
        raise InputError(
            f"no {metric} of real text, whose correct translations are not known",
            where=outputs,
            fix="test a claim with this metric on generated corpora only",
        )
    sources = read_lines(test_set.sources)
    check_lines(said, places={"hypotheses": outputs, "sources": test_set.sources}, sources=sources)
    return sources


def bleu_of_sums(sums: NDArray) -> NDArray:
    """Unsmoothed BLEU-4, 0 to 100, of sums of sacreBLEU's statistics; the same as `token_bleu` computes.

    sums: [..., 10], length of the outputs, of the references, then matches and n-grams of the orders 1 to 4.
    Returns [...]; 0 if an order has no match, as without smoothing.
    """
    matched, possible = sums[..., 2 : 2 + _ORDERS], sums[..., 2 + _ORDERS :]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(possible > 0, np.log(matched / possible), -np.inf).mean(-1)
        brevity = np.minimum(0, 1 - sums[..., 1] / sums[..., 0])
        return np.where(np.isfinite(precision), 100 * np.exp(precision + brevity), 0.0)


def _ratio(sums: NDArray) -> NDArray:
    """100 times the first sum over the second; 0 if the second is 0."""
    return np.divide(100 * sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] != 0)


def _bleu(outputs: Sequence[str], references: Sequence[str], *_: object) -> NDArray:
    return np.asarray(token_bleu()._extract_corpus_statistics(list(outputs), [hide_unknown(references)]), dtype=float)


def _repetition(outputs: Sequence[str], *_: object) -> NDArray:
    return np.array([repeats_and_tokens(line) for line in outputs], dtype=float)


def _items(percent: Sequence[float]) -> NDArray:
    """Items whose score is their mean, as sums: [N, 2]."""
    return np.stack([np.asarray(percent, dtype=float) / 100, np.ones(len(percent))], axis=1)


def _rouge155(measure: str | None) -> Callable[..., NDArray]:
    """F1 of one of ROUGE's measures, or the mean of all three, of each document."""

    def statistics(outputs: Sequence[str], references: Sequence[str], *_: object) -> NDArray:
        f1 = 100 * np.asarray(f1_by_document(outputs, references))
        return _items(f1.mean(1) if measure is None else f1[:, MEASURES.index(measure)])

    return statistics


def _share(verdict: str) -> Callable[..., NDArray]:
    """The outputs that a judge calls valid, or mixed."""

    def statistics(
        outputs: Sequence[str], _: object, sources: Sequence[str], check: Callable[[str, str], Verdict]
    ) -> NDArray:
        verdicts = [check(source, output) for source, output in zip(sources, outputs, strict=True)]
        return _items([100 * getattr(one, verdict) for one in verdicts])

    return statistics


MEASURES_BY_METRIC = {
    "bleu_tok": Measure(("translation",), _bleu, bleu_of_sums),
    "repetition": Measure(("translation", "summary", "question", "reply"), _repetition, _ratio),
    "rouge1_155": Measure(("summary",), _rouge155("ROUGE-1"), _ratio),
    "rouge2_155": Measure(("summary",), _rouge155("ROUGE-2"), _ratio),
    "rougeL_155": Measure(("summary",), _rouge155("ROUGE-L"), _ratio),
    "overall": Measure(("summary",), _rouge155(None), _ratio),
    "rougeL_coco": Measure(("question",), lambda *lines: _items(rouge_l_by_item(*lines[:3])[0]), _ratio),
    "bleu1_nltk35": Measure(
        ("reply",), lambda outputs, references, *_: _items(bleu1_by_reply(outputs, references)[0]), _ratio
    ),
    **{name: Measure(("translation",), _share(name), _ratio) for name in SHARES},
}
