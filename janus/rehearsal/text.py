"""Made text for made downloads: sentences of the demo's grammar, in the shapes that real corpora have."""

from collections.abc import Iterator
from itertools import islice

from janus.demo import grammar
from janus.demo import running_text as demo_text
from janus.demo import tasks as demo_tasks
from janus.errors import InputError
from janus.text.clean import Pair

LANGUAGES = ("de", "en", "ro")
# Recipes drop pairs of unlike lengths; made ones are alike enough for each, so that none is dropped unforeseen.
_RATIO = 1.4


def sentence_pairs(source: str, target: str, count: int, *, seed: str) -> list[Pair]:
    """`count` pairs of sentences, as one writes them, of nearly the same length. Raises InputError for a language
    that the grammar has not."""
    for language in (source, target):
        if language not in LANGUAGES:
            raise InputError(
                f"no sentences can be made in {language!r}", where="rehearsal", fix=f"use {', '.join(LANGUAGES)}"
            )
    drawn = grammar.pairs(source, target, 4 * count + 40, seed=seed, multimodality=0.0)
    alike = (pair for pair in drawn if _ratio(pair) <= _RATIO)
    return list(islice(alike, count))


def _ratio(pair: Pair) -> float:
    lengths = sorted(len(side.split()) for side in pair)
    return lengths[1] / lengths[0]


def task_pairs(task: str, count: int, *, seed: str) -> list[Pair]:
    """`count` tokenised pairs of a task: summary, question (source `answer [SEP] passage`) or reply."""
    return list(demo_tasks.pairs(task, count, seed=seed))


def documents(count: int, *, seed: str) -> list[list[str]]:
    """`count` documents of paragraphs that no filter of running text removes."""
    return [
        [" ".join([*document]) for document in _paragraphs(sentences)]
        for sentences in demo_text.documents(seed=seed, documents=count)
    ]


def _paragraphs(sentences: list[str]) -> Iterator[list[str]]:
    """Two sentences a paragraph: one alone may be too short."""
    for start in range(0, len(sentences) - 1, 2):
        yield sentences[start : start + 2]
