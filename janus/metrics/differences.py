"""Where two outputs of one test set differ most: scores of sentences, and the words that only one of them has."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics import BLEU

from janus.metrics.repetition import repetition
from janus.metrics.task_files import item_scores
from janus.metrics.translation import hide_unknown

# (how, words): `both` stand in the two outputs, `baseline` and `system` in one of them.
Edits = list[tuple[str, str]]


@dataclass(frozen=True)
class Difference:
    """One line, from 1, in which two outputs differ; scores are those of the sentence, 0 to 100."""

    line: int
    baseline_score: float
    system_score: float
    baseline: str
    system: str

    @property
    def delta(self) -> float:
        """Above 0 where the system is better."""
        return self.system_score - self.baseline_score

    @property
    def edits(self) -> Edits:
        """The words of both outputs, in order, by where they stand."""
        return edits(self.baseline, self.system)


def sentence_scores(task: str, outputs: Sequence[str], references: Sequence[str]) -> tuple[list[float], str]:
    """The score of each line, 0 to 100, and its signature: sentence BLEU, or the tested metric of another task.

    A question is scored against the reference of its own line.
    """
    if task != "translation":
        return item_scores(task, outputs, references, [str(number) for number in range(len(outputs))])
    metric = BLEU(tokenize="none", force=True, effective_order=True)
    pairs = zip(outputs, hide_unknown(references), strict=True)
    return [metric.sentence_score(said, [gold]).score for said, gold in pairs], str(metric.get_signature())


def similarities(baseline: Sequence[str], system: Sequence[str]) -> list[float]:
    """How similar the words of two outputs are in each line, 0 to 100: the share of words that both have in order."""
    pairs = zip(baseline, system, strict=True)
    return [100 * difflib.SequenceMatcher(None, one.split(), other.split(), False).ratio() for one, other in pairs]


def differences(
    baseline: Sequence[str], system: Sequence[str], before: Sequence[float], after: Sequence[float]
) -> list[Difference]:
    """The lines in which two outputs differ, by the difference of their scores `before` and `after`, largest first."""
    rows = enumerate(zip(before, after, baseline, system, strict=True), 1)
    found = [Difference(number, *row) for number, row in rows if row[2] != row[3]]
    return sorted(found, key=lambda one: -abs(one.delta))


def edits(baseline: str, system: str) -> Edits:
    """What stands in both outputs and what in one of them, in order.

    >>> edits("the old dog runs", "the dog ran")
    [('both', 'the'), ('baseline', 'old'), ('both', 'dog'), ('baseline', 'runs'), ('system', 'ran')]
    """
    one, other = baseline.split(), system.split()
    found: Edits = []
    for kind, start, end, first, last in difflib.SequenceMatcher(None, one, other, False).get_opcodes():
        if kind == "equal":
            found.append(("both", " ".join(one[start:end])))
            continue
        if end > start:
            found.append(("baseline", " ".join(one[start:end])))
        if last > first:
            found.append(("system", " ".join(other[first:last])))
    return found


def habits(lines: Sequence[str], references: Sequence[str] = ()) -> dict[str, float]:
    """What one sees of outputs without reading them: mean length, its ratio to the references', repetition, empty ones.

    `repetition` is a percentage; `empty` a number of lines.
    """
    words = sum(len(line.split()) for line in lines)
    gold = sum(len(line.split()) for line in references)
    return {
        "words": words / len(lines),
        **({"length_ratio": words / gold} if gold else {}),
        "repetition": repetition(lines),
        "empty": sum(not line.strip() for line in lines),
    }
