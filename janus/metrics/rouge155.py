"""A reimplementation of ROUGE-1.5.5 as GLGE calls it through files2rouge: `-c 95 -r 1000 -n 2 -a -m`.

Differences from `rouge-score`: texts are split at " ." before ROUGE-L, and the matches of all sentences are united; it
has its own stemmer (`janus.metrics.porter`), which may first look words up in WordNet's list of irregular forms;
precision and recall are rounded to five decimals before F; the printed average is the mean over 1000 bootstrap samples,
drawn by Perl's generator from the seeds 0 to 999.

The database of irregular forms in files2rouge has 12 KB, the size of an empty one (the full list takes 288 KB), so the
list is empty by default. `exceptions` is for a complete list.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from janus.metrics.lines import check_lines
from janus.metrics.porter import stem

MEASURES = ("ROUGE-1", "ROUGE-2", "ROUGE-L")

_RESAMPLES = 1000
# drand48, part of Perl since 5.20: x <- a x + c modulo 2^48, from x = seed * 2^16 + 0x330E.
_FACTOR, _INCREMENT, _START, _MASK = (np.uint64(n) for n in (0x5DEECE66D, 0xB, 0x330E, (1 << 48) - 1))


class Score(NamedTuple):
    """Recall, precision and their harmonic mean, 0 to 1, each rounded to five decimals as ROUGE-1.5.5 prints it."""

    recall: float
    precision: float
    f1: float


def rouge155(
    hypotheses: Sequence[str], references: Sequence[str], exceptions: Mapping[str, str] | None = None
) -> dict[str, dict[str, float | str]]:
    """The Average_F that ROUGE-1.5.5 prints, times 100, as {name: {"value", "signature"}}.

    Names: rouge1_155, rouge2_155, rougeL_155. Line i of both sides is document i; " ." ends a sentence inside it.
    `exceptions` maps irregular forms to their base, for words longer than three letters. Raises InputError where the
    counts of lines differ or a reference is empty; an empty hypothesis scores 0.
    """
    averages = printed_average(f1_by_document(hypotheses, references, exceptions))
    return {
        f"rouge{measure[-1]}_155": {"value": round(100 * average, 3), "signature": _signature(exceptions)}
        for measure, average in zip(MEASURES, averages, strict=True)
    }


def rouge1_by_document(
    hypotheses: Sequence[str], references: Sequence[str], exceptions: Mapping[str, str] | None = None
) -> tuple[list[float], str]:
    """ROUGE-1 (F) of each document, 0 to 100, and its signature; arguments and errors as in `rouge155`.

    `rouge155` gives `printed_average` of them, which is their mean except for the noise of resampling.
    """
    documents = f1_by_document(hypotheses, references, exceptions)
    return [100 * f1 for f1, *_ in documents], _signature(exceptions)


def document_scores(hypothesis: str, reference: str, exceptions: Mapping[str, str] | None = None) -> dict[str, Score]:
    """ROUGE-1, -2 and -L of one document, as printed by ROUGE-1.5.5 with `-d`."""
    stemmed = partial(_stemmed, exceptions=exceptions or {})
    peer, model = (_sentences(text, stemmed) for text in (hypothesis, reference))
    peer_words, model_words = ([word for sentence in side for word in sentence] for side in (peer, model))
    scores = {}
    for order in (1, 2):
        ours, theirs = _ngrams(peer_words, order), _ngrams(model_words, order)
        scores[f"ROUGE-{order}"] = _score((ours & theirs).total(), theirs.total(), ours.total())
    scores["ROUGE-L"] = _score(_union_lcs(peer, model), len(model_words), len(peer_words))
    return scores


def printed_average(scores: Sequence[Sequence[float]]) -> list[float]:
    """The mean over 1000 resamples of the documents printed by ROUGE-1.5.5, to five decimals; [N][K] scores give K."""
    # files2rouge sorts its file numbers, from 0, as strings; so does the script with its task numbers, from 1.
    table = np.array(scores)[_as_strings(len(scores), first=0)][_as_strings(len(scores), first=1)]  # N K
    state = (np.arange(_RESAMPLES, dtype=np.uint64) << np.uint64(16)) + _START
    sums = np.zeros((_RESAMPLES, table.shape[1]))
    for _ in range(len(table)):
        state = (state * _FACTOR + _INCREMENT) & _MASK
        sums += table[(len(table) * (state / 2.0**48)).astype(int)]
    means = np.sort(sums / len(table), axis=0)
    return [_rounded(sum(column) / _RESAMPLES) for column in means.T.tolist()]


def f1_by_document(
    hypotheses: Sequence[str], references: Sequence[str], exceptions: Mapping[str, str] | None = None
) -> list[list[float]]:
    """F of each document in each of MEASURES, 0 to 1, [N][3]; arguments and errors as in `rouge155`."""
    check_lines(hypotheses, references=references)
    documents = [document_scores(*pair, exceptions) for pair in zip(hypotheses, references, strict=True)]
    return [[scores[measure].f1 for measure in MEASURES] for scores in documents]


def _signature(exceptions: Mapping[str, str] | None) -> str:
    listed = "none" if exceptions is None else len(exceptions)
    return f"ROUGE-1.5.5 twin|args:-c 95 -r 1000 -n 2 -a -m|eos: .|f1|exceptions:{listed}"


def _as_strings(count: int, first: int) -> list[int]:
    """Indices of the `count` numbers from `first`, in the order of the strings "<number>."."""
    return sorted(range(count), key=lambda i: f"{i + first}.")


def _sentences(text: str, stemmed: Callable[[str], str]) -> list[list[str]]:
    # The script reads the texts as unescaped HTML: everything after a "<" in a sentence is lost.
    visible = (sentence.partition("<")[0] for sentence in text.split(" ."))
    return [[stemmed(word.lower()) for word in re.findall("[A-Za-z0-9]+", sentence)] for sentence in visible]


def _stemmed(word: str, exceptions: Mapping[str, str]) -> str:
    if len(word) <= 3:
        return word
    return exceptions.get(word) or stem(word)


def _ngrams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


def _union_lcs(peer: Sequence[Sequence[str]], model: Sequence[Sequence[str]]) -> int:
    """Words of `model` in a longest common subsequence with any sentence of `peer`, each word of `peer` used once."""
    left = Counter(word for sentence in peer for word in sentence)
    hits = 0
    for sentence in model:
        matched = set().union(*(_lcs_positions(sentence, other) for other in peer))
        for position in sorted(matched):
            word = sentence[position]
            if left[word] > 0:
                left[word] -= 1
                hits += 1
    return hits


def _lcs_positions(model: Sequence[str], peer: Sequence[str]) -> set[int]:
    """Positions in `model` of one longest common subsequence: from the ends, leaving a word of `model` out first."""
    lengths = [[0] * (len(peer) + 1) for _ in range(len(model) + 1)]
    for i, word in enumerate(model, 1):
        above, row = lengths[i - 1], lengths[i]
        for j, other in enumerate(peer, 1):
            row[j] = above[j - 1] + 1 if word == other else max(above[j], row[j - 1])
    positions = set()
    i, j = len(model), len(peer)
    while i and j:
        if model[i - 1] == peer[j - 1]:
            i, j = i - 1, j - 1
            positions.add(i)
        elif lengths[i - 1][j] >= lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return positions


def _score(hits: int, model: int, peer: int) -> Score:
    recall, precision = (_rounded(hits / count) if count else 0.0 for count in (model, peer))
    # In the script's order of operations, with alpha at one half.
    mean = 0.5 * precision + 0.5 * recall
    return Score(recall, precision, _rounded(precision * recall / mean) if mean else 0.0)


def _rounded(value: float) -> float:
    return float(f"{value:.5f}")
