"""Whether an output is one of the known right answers, and whether its words commit it to two modes at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from janus.corpora.realise import MODES, Mode

Words = tuple[str, ...]


class Verdict(NamedTuple):
    """valid: the output is a right answer; mixed: it is none, and no single mode explains its words."""

    valid: bool
    mixed: bool


class Judge:
    """Judges outputs against the right answer of one source in each mode.

    Valid: the output equals one of the answers. Mixed: no single mode accounts for all its words and neighbouring
    pairs of words (sentence ends included) that occur in any of the answers; words that occur in none are wrong but
    speak for no mode. A valid output is never mixed.
    """

    def __init__(self, answers: Mapping[Mode, Words]):
        self._answers = frozenset(answers.values())
        self._modes: dict[Words, set[Mode]] = defaultdict(set)
        for mode, words in answers.items():
            for feature in _features(words):
                self._modes[feature].add(mode)

    def __call__(self, output: Words) -> Verdict:
        """The verdict on the words of one output."""
        if output in self._answers:
            return Verdict(valid=True, mixed=False)
        possible = set(MODES)
        for feature in _features(output):
            possible &= self._modes.get(feature, possible)
        return Verdict(valid=False, mixed=not possible)


def _features(words: Words) -> Iterable[Words]:
    yield from ((word,) for word in words)
    yield from pairwise(("<s>", *words, "</s>"))
