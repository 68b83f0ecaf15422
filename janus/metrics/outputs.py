"""Scores of anybody's output files: plain text of words, tokenised or not."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from janus.errors import InputError
from janus.metrics.lines import check_lines
from janus.metrics.scores import Scores
from janus.metrics.significance import compare_outputs
from janus.metrics.task_files import compare_task, task_scores
from janus.metrics.translation import score_translation
from janus.text.marks import attached_marks
from janus.text.tokenise import detokenise, lowercase, tokenise

TASKS = ("translation", "summary", "question", "reply")


@dataclass(frozen=True)
class Outputs:
    """The outputs of a test set with references and, for questions, sources; line i of each is example i.

    language: that of outputs and references, for Moses' tokeniser. folded: whether case is ignored.
    """

    task: str
    lines: Sequence[str]
    references: Sequence[str]
    sources: Sequence[str] = ()
    language: str = "en"
    folded: bool = False

    def __post_init__(self) -> None:
        """Reject lines that do not belong together, and questions without sources."""
        if self.task == "question" and not self.sources:
            raise InputError("questions are grouped by their sources", where="sources", fix="give the file of sources")
        check_lines(self.lines, references=self.references, **({"sources": self.sources} if self.sources else {}))


def score_outputs(outputs: Outputs) -> Scores:
    """Every score of the task, as {name: {"value", "signature"}}.

    Text that is not tokenised is tokenised for the scores that are counted on tokens, and tokenised text detokenised
    for those that are not. Raises InputError as the scorers do.
    """
    said, gold = words_of(outputs, outputs.lines), words_of(outputs, outputs.references)
    if outputs.task != "translation":
        return task_scores(outputs.task, said, gold, words_of(outputs, outputs.sources))
    raw = outputs.references
    if is_tokenised(raw):
        raw = [detokenise(line, outputs.language) for line in raw]
    plain = None if is_tokenised(outputs.lines) else outputs.lines
    return score_translation(said, gold, raw, language=outputs.language, lowercase=outputs.folded, plain=plain)


def compare_scores(baseline: Outputs, system: Outputs) -> dict[str, Any]:
    """Both paired tests of two outputs of one test set, as `compare_outputs` gives them, and the `metric` tested."""
    sides = [words_of(outputs, outputs.lines) for outputs in (baseline, system)]
    return compare_words(system.task, *sides, words_of(system, system.references), words_of(system, system.sources))


def compare_words(
    task: str, baseline: Sequence[str], system: Sequence[str], references: Sequence[str], sources: Sequence[str] = ()
) -> dict[str, Any]:
    """`compare_scores` of lines that are tokens already."""
    if task == "translation":
        return compare_outputs(baseline, system, references) | {"metric": "bleu_tok"}
    return compare_task(task, baseline, system, references, sources)


def is_tokenised(lines: Sequence[str]) -> bool:
    """Whether punctuation stands by itself rather than at the ends of words; True for text without any."""
    attached, alone = attached_marks(lines)
    return alone >= attached


def words_of(outputs: Outputs, lines: Sequence[str]) -> list[str]:
    """Lines of a side of `outputs` as tokens."""
    return in_words(lines, task=outputs.task, language=outputs.language, folded=outputs.folded)


def in_words(
    lines: Sequence[str], *, task: str, language: str, folded: bool = False, tokenised: bool = False
) -> list[str]:
    """The lines as tokens with single spaces, in lower case where case is ignored (`folded`).

    tokenised: they are known to be tokens; otherwise it is looked at.
    """
    if not (tokenised or is_tokenised(lines)):
        lines = [tokenise(line, language) for line in lines]
        # The scorers of the other tasks split a word at the signs of an escape.
        lines = lines if task == "translation" else [html.unescape(line) for line in lines]
    lines = [lowercase(line) for line in lines] if folded else lines
    return [" ".join(line.split()) for line in lines]
