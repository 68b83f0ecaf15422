"""Distilled corpora: a tier names them `<corpus>+<name>`, and a system of the tier as the teacher of each.

Sequence-level knowledge distillation (Kim and Rush, 2016): the targets of the training set are the teacher's
translations. Everything else of a distilled corpus is the raw one's.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any


def raw_of(corpus: str) -> str:
    """The name of the corpus that a distilled one is made of; of any other corpus its own."""
    return corpus.partition("+")[0]


def with_distilled(corpora: Mapping[str, Any], tier: Mapping[str, Any]) -> dict[str, Any]:
    """The corpora (`janus.fetching.manifest.Corpus`), and those that the tier distils from them.

    A distilled corpus is none of the paper's texts, and its files have no known hashes. One of an unknown corpus is
    left out; `janus.config.consistency` names it.
    """
    made = {
        name: replace(corpora[raw_of(name)], name=name, published="", blobs={}, downloads=())
        for name in tier["distilled"]
        if raw_of(name) in corpora
    }
    return {**corpora, **made}


def teachers(tier: Mapping[str, Any], corpora: set[str] | None = None) -> dict[tuple[str, str], None]:
    """(raw corpus, system) of the training of each teacher, of the distilled `corpora` alone if they are given."""
    return {
        (raw_of(name), entry["teacher"]): None
        for name, entry in tier.get("distilled", {}).items()
        if corpora is None or name in corpora
    }
