"""Tasks: the corpora of a table or figure have its task, and the vocabulary of its pre-trained systems."""

from collections.abc import Mapping
from typing import Any

from janus.config.checks.problems import Problems
from janus.config.tiers import SHOWN, blocks_of, corpora_of, systems_of, systems_on
from janus.errors import InputError
from janus.fetching.manifest import Corpus, Text
from janus.report.paper_tables import PAPER_TABLES

# Of the paper's tables. All figures are about translation.
TASK_OF_BLOCK = {f"tables.table{number}": table.task for number, table in PAPER_TABLES.items()}


def task_problems(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    corpora: Mapping[str, Corpus],
    texts: Mapping[str, Text],
    where: object,
) -> Problems:
    """Each corpus of a table or figure has the right task, and the vocabulary of its pre-trained systems."""
    for place, block in blocks_of(tier, SHOWN):
        for name in systems_of(block):
            if systems[name]["stage"] == "pretraining":
                yield InputError(
                    f"{name} is pre-trained on running text and decodes nothing",
                    where=f"{where}: {place}.systems",
                    fix="name a system of stage task that starts from it",
                )
        text = tier["pretraining"]["text"] if tier["pretraining"] else None
        for name in corpora_of(block):
            started = [system for system in systems_on(block, name) if systems[system]["start"]]
            vocabulary = texts[text].vocabulary if started and text else None
            task = _task_of(place, block, corpora)
            if name not in corpora:
                yield InputError(
                    f"{name} is running text, which is not decoded",
                    where=f"{where}: {place}",
                    fix="name a corpus",
                )
            elif corpora[name].task != task:
                others = "the paper's is" if place in TASK_OF_BLOCK or place.startswith("figures") else "the first is"
                yield InputError(
                    f"{name} is a corpus of {corpora[name].task}, {others} of {task}",
                    where=f"{where}: {place}",
                    fix="name another corpus",
                )
            elif started and corpora[name].vocabulary != vocabulary:
                yield InputError(
                    f"{started[0]} uses the vocabulary {vocabulary!r}, {name} uses another",
                    where=f"{where}: {place}",
                    fix=f"give the corpus `vocabulary: {vocabulary}` in {tier['corpora_file']}",
                )


def _task_of(place: str, block: Mapping[str, Any], corpora: Mapping[str, Corpus]) -> str:
    """The task that the corpora of a block have: that of the paper's table, otherwise that of the first corpus."""
    if place in TASK_OF_BLOCK or place.startswith("figures"):
        return TASK_OF_BLOCK.get(place, "translation")
    first = corpora.get(corpora_of(block)[0])
    return first.task if first else "translation"
