"""Whether an output is one of the known right answers, and whether its words commit it to two modes at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise

from janus.corpora.grammar import Verdict
from janus.corpora.realise import MODES, Mode

Words = tuple[str, ...]


def judge(answers: Mapping[Mode, Words], output: Words) -> Verdict:
    """Judge the words of one output against the right answer in each mode.

    Valid: it equals one of the answers. Mixed: no single mode accounts for all its words and neighbouring pairs of
    words (sentence ends included) that occur in any of the answers; words that occur in none are wrong but speak for
    no mode. A valid output is never mixed.
    """
    if output in answers.values():
        return Verdict(valid=True, mixed=False)
    evidence: dict[Words, set[Mode]] = defaultdict(set)
    for mode, words in answers.items():
        for feature in _features(words):
            evidence[feature].add(mode)
    possible = set(MODES)
    for feature in _features(output):
        possible &= evidence.get(feature, possible)
    return Verdict(valid=False, mixed=not possible)


def _features(words: Words) -> Iterable[Words]:
    yield from ((word,) for word in words)
    yield from pairwise(("<s>", *words, "</s>"))
