"""Scores of anybody's output files: plain text of words, tokenised or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from janus.errors import InputError
from janus.metrics.lines import check_lines
from janus.metrics.scores import Scores
from janus.metrics.significance import compare_outputs
from janus.metrics.task_files import compare_task, task_scores
from janus.metrics.translation import score_translation
from janus.text.marks import tokenised_sides
from janus.text.moses import unescape
from janus.text.tokenise import detokenise, lowercase, tokenise

TASKS = ("translation", "summary", "question", "reply")


@dataclass(frozen=True)
class Outputs:
    """The outputs of a test set with references and, for questions, sources; line i of each is example i.

    language: that of outputs and references, for Moses' tokeniser. folded: whether case is ignored.
    places: the files of `hypotheses` (the lines), `references` and `sources`, for messages.
    """

    task: str
    lines: Sequence[str]
    references: Sequence[str]
    sources: Sequence[str] = ()
    language: str = "en"
    folded: bool = False
    places: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reject lines that do not belong together, and questions without sources."""
        if self.task == "question" and not self.sources:
            raise InputError("questions are grouped by their sources", where="sources", fix="give the file of sources")
        sides = {"references": self.references} | ({"sources": self.sources} if self.sources else {})
        check_lines(self.lines, places=self.places, **sides)


def score_outputs(outputs: Outputs, baseline: Sequence[str] = ()) -> Scores:
    """Every score of the task, as {name: {"value", "signature"}}.

    Text that is not tokenised is tokenised for the scores that are counted on tokens, and tokenised text detokenised
    for those that are not. baseline: outputs of the same test set that these will be compared with (`untokenised`).
    Raises InputError as the scorers do.
    """
    words = words_of(outputs, baseline)
    if outputs.task != "translation":
        return task_scores(outputs.task, words["outputs"], words["references"], words.get("sources", ()))
    untouched = untokenised(outputs, baseline)
    gold = outputs.references
    return score_translation(
        words["outputs"],
        words["references"],
        gold if "references" in untouched else [detokenise(line, outputs.language) for line in gold],
        language=outputs.language,
        lowercase=outputs.folded,
        plain=outputs.lines if "outputs" in untouched else None,
    )


def compare_scores(baseline: Outputs, system: Outputs) -> dict[str, Any]:
    """Both paired tests of two outputs of one test set, as `compare_outputs` gives them, and the `metric` tested."""
    words = words_of(system, baseline.lines)
    return compare_words(
        system.task, words["baseline"], words["outputs"], words["references"], words.get("sources", ())
    )


def compare_words(
    task: str, baseline: Sequence[str], system: Sequence[str], references: Sequence[str], sources: Sequence[str] = ()
) -> dict[str, Any]:
    """`compare_scores` of lines that are tokens already."""
    if task == "translation":
        return compare_outputs(baseline, system, references) | {"metric": "bleu_tok"}
    return compare_task(task, baseline, system, references, sources)


def is_tokenised(lines: Sequence[str], language: str = "en") -> bool:
    """Whether punctuation stands by itself rather than at the ends of words; True for text that shows nothing."""
    return tokenised_sides([lines], language)[0]


def untokenised(outputs: Outputs, baseline: Sequence[str] = ()) -> list[str]:
    """Which of `outputs`, `references`, `sources` (of questions) and `baseline`, a second system's, are not tokenised.

    Outputs and references are judged together, since what has no punctuation shows nothing by itself.
    """
    texts = _texts(outputs, baseline)
    asked = texts.pop("sources", [])
    shown = zip(texts, tokenised_sides(list(texts.values()), outputs.language), strict=True)
    raw = [name for name, tokenised in shown if not tokenised]
    return raw if is_tokenised(asked, outputs.language) else [*raw, "sources"]


def words_of(outputs: Outputs, baseline: Sequence[str] = ()) -> dict[str, list[str]]:
    """The texts that are scored as tokens, by the names of `untokenised`."""
    raw = untokenised(outputs, baseline)
    return {
        name: in_words(lines, tokenised=name not in raw, language=outputs.language, folded=outputs.folded)
        for name, lines in _texts(outputs, baseline).items()
    }


def _texts(outputs: Outputs, baseline: Sequence[str]) -> dict[str, Sequence[str]]:
    texts = {"outputs": outputs.lines, "references": outputs.references}
    texts |= {"sources": outputs.sources} if outputs.task == "question" else {}
    return texts | ({"baseline": baseline} if baseline else {})


def in_words(lines: Sequence[str], *, tokenised: bool, language: str, folded: bool = False) -> list[str]:
    """The lines as tokens with single spaces, in lower case where case is ignored (`folded`).

    Moses' escapes are undone in given tokens too: an escaped token equals no plain one, and some scorers split it.
    """
    lines = lines if tokenised else [tokenise(line, language) for line in lines]
    lines = [unescape(line) for line in lines]
    return single_spaced(lines, folded=folded)


def single_spaced(lines: Sequence[str], *, folded: bool) -> list[str]:
    """Lines of tokens with single spaces, in lower case where case is ignored (`folded`)."""
    return [" ".join((lowercase(line) if folded else line).split()) for line in lines]
