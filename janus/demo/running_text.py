"""The demo's pre-training text: short documents in English of the demo grammar, each in one mode throughout.

A document is a story of three or four statements, a statement with a question about it and its answer, or statements of
a speaker about himself: sentences like those of the three demo tasks, but not their sources and targets.
"""

import random
from collections.abc import Iterator

from janus.demo.generate import MODES, Mode, realise
from janus.demo.semantics import Sampler
from janus.text.english import OBJECT, SUBJECT, about_me, about_you, question

Sentence = tuple[str, ...]


def documents(*, seed: object, documents: int = 6000, vocabulary: float = 1.0) -> Iterator[list[str]]:
    """Generate `count` documents, each a list of tokenised sentences. The same seed gives the same text."""
    rng = random.Random(f"text/{seed}")
    sampler = Sampler(rng, vocabulary=vocabulary)
    for _ in range(documents):
        kind, mode = rng.choice((_story, _inquiry, _talk)), rng.choice(MODES)
        yield [" ".join(sentence) for sentence in kind(rng, sampler, mode)]


def _story(rng: random.Random, sampler: Sampler, mode: Mode) -> list[Sentence]:
    return [realise(sampler.meaning(), "en", mode) for _ in range(rng.choice((3, 4)))]


def _inquiry(rng: random.Random, sampler: Sampler, mode: Mode) -> list[Sentence]:
    meaning = sampler.meaning()
    asked = question(meaning, rng.choice((SUBJECT, OBJECT)), mode)
    return [realise(sampler.meaning(), "en", mode), asked, realise(meaning, "en", mode)]


def _talk(rng: random.Random, sampler: Sampler, mode: Mode) -> list[Sentence]:
    meanings = [sampler.meaning() for _ in range(2)]
    sentences = []
    for meaning in meanings:
        sentences += [about_you(meaning.verb, mode), about_me(meaning.verb, meaning.object, mode)]
    return sentences
