"""Corpora made of others: distilled ones, `<corpus>+<name>`, and further test sets, `<corpus>@<name>`.

Sequence-level knowledge distillation (Kim and Rush, 2016): the targets of the training set are the translations of a
system that a tier names as the teacher. Everything else of a distilled corpus is the raw one's. A further test set,
which an entry of the corpora file names under `tests`, is decoded by what is trained on its corpus.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

# A further test set is text as people write it unless its entry says otherwise.
_TEXT = {"tokenised": False}


def raw_of(corpus: str) -> str:
    """The name of the corpus of the corpora file that a distilled one or a test set is of; of any other its own."""
    return trained_on(corpus).partition("+")[0]


def trained_on(corpus: str) -> str:
    """The corpus that a system is trained on to decode a further test set; of any other corpus its own name."""
    return corpus.partition("@")[0]


def with_distilled(corpora: Mapping[str, Any], tier: Mapping[str, Any]) -> dict[str, Any]:
    """The corpora (`janus.fetching.manifest.Corpus`), those that the tier distils from them, and all further test sets.

    A distilled corpus is none of the paper's texts, and its files have no known hashes. One of an unknown corpus is
    left out; `janus.config.consistency` names it.
    """
    made = {
        name: replace(corpora[raw_of(name)], name=name, published="", blobs={}, downloads=())
        for name in tier["distilled"]
        if raw_of(name) in corpora
    }
    return _with_test_sets({**corpora, **made})


def _with_test_sets(corpora: dict[str, Any]) -> dict[str, Any]:
    """The corpora, and their further test sets, whose `options` are those of the corpus with the files of the test."""
    tests = {
        f"{name}@{test}": replace(
            corpus,
            name=f"{name}@{test}",
            published="",
            blobs={},
            downloads=(),
            lines={},
            tests={},
            bin="",
            options={**{key: value for key, value in corpus.options.items() if key != "codes"}, **_TEXT, **entry},
        )
        for name, corpus in corpora.items()
        for test, entry in corpus.tests.items()
    }
    return {**corpora, **tests}


def teachers(tier: Mapping[str, Any], corpora: set[str] | None = None) -> dict[tuple[str, str], None]:
    """(raw corpus, system) of the training of each teacher, of the distilled `corpora` alone if they are given."""
    return {
        (raw_of(name), entry["teacher"]): None
        for name, entry in tier.get("distilled", {}).items()
        if corpora is None or name in set(map(trained_on, corpora))
    }
