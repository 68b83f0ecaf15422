"""Whether an output is one of the known correct answers, and whether its words belong to different modes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from janus.demo.generate import MODES, Mode

Words = tuple[str, ...]


class Verdict(NamedTuple):
    """valid: the output is a correct answer; mixed: it is not, and no single mode explains its words."""

    valid: bool
    mixed: bool


class Judge:
    """Judges outputs against the correct answers of one source, one per mode.

    Valid: the output equals one of the answers. Mixed: no single mode accounts for all its words and pairs of adjacent
    words (including sentence ends) that occur in any of the answers; words that occur in none are wrong but indicate no
    mode. A valid output is never mixed.
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
