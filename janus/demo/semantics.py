"""The language-independent meaning of a demo sentence, and the random drawing of meanings."""

import random
from dataclasses import dataclass

from janus.demo.lexicon import lexicon

# Probabilities that a noun phrase is plural, has an adjective, and has a modifier, by the role of the phrase.
_PLURAL = 0.5
_ADJECTIVE = 0.25
_SUBJECT_MODIFIER = 0.35
_OBJECT_MODIFIER = 0.1
_ADVERB = 0.6


@dataclass(frozen=True)
class Thing:
    """A bare noun with its number."""

    noun: int
    plural: bool


@dataclass(frozen=True)
class Place:
    """A prepositional phrase on a noun."""

    preposition: int
    thing: Thing


@dataclass(frozen=True)
class Clause:
    """A relative clause on a noun, which is its subject."""

    verb: int
    thing: Thing


@dataclass(frozen=True)
class Phrase:
    """A noun phrase: head, adjective or none, modifier or none."""

    head: Thing
    adjective: int | None
    modifier: Place | Clause | None


@dataclass(frozen=True)
class Meaning:
    """Who did what to whom, when (an index of the auxiliaries), and how."""

    subject: Phrase
    verb: int
    object: Phrase
    tense: int
    adverb: int | None


class Sampler:
    """Draw meanings with the first `vocabulary` share (0, 1] of each word class, at least two words of each."""

    def __init__(self, rng: random.Random, *, vocabulary: float = 1.0):
        self._rng = rng
        words = lexicon()

        def size(entries: tuple) -> int:
            return max(2, round(vocabulary * len(entries)))

        self._nouns, self._verbs = size(words.nouns), size(words.verbs)
        self._adjectives, self._adverbs = size(words.adjectives), size(words.adverbs)
        self._prepositions, self._tenses = size(words.prepositions), len(words.auxiliaries)

    def meaning(self) -> Meaning:
        """One meaning; no noun occurs twice if the vocabulary is large enough."""
        nouns = self._rng.sample(range(self._nouns), min(4, self._nouns))
        subject = self._phrase(nouns[0], nouns[-1], _SUBJECT_MODIFIER)
        return Meaning(
            subject=subject,
            verb=self._rng.randrange(self._verbs),
            object=self._phrase(nouns[1], nouns[len(nouns) // 2], _OBJECT_MODIFIER),
            tense=self._rng.randrange(self._tenses),
            adverb=self._rng.randrange(self._adverbs) if self._rng.random() < _ADVERB else None,
        )

    def _phrase(self, noun: int, other: int, modified: float) -> Phrase:
        head = self._thing(noun)
        adjective = self._rng.randrange(self._adjectives) if self._rng.random() < _ADJECTIVE else None
        modifier = self._modifier(other) if self._rng.random() < modified else None
        return Phrase(head, adjective, modifier)

    def _modifier(self, noun: int) -> Place | Clause:
        if self._rng.random() < 0.5:
            return Place(self._rng.randrange(self._prepositions), self._thing(noun))
        return Clause(self._rng.randrange(self._verbs), self._thing(noun))

    def _thing(self, noun: int) -> Thing:
        return Thing(noun, self._rng.random() < _PLURAL)
