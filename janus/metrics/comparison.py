"""Everything that `janus compare` says of two systems: tests, lengths and repetition, and where they differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics.differences import Difference, differences, habits, sentence_scores, similarities
from janus.metrics.lines import check_as_many, check_lines
from janus.metrics.outputs import TASKS, compare_words, in_words, single_spaced
from janus.metrics.sides import Side, TestText, read_side
from janus.text.marks import tokenised_sides


@dataclass(frozen=True)
class Comparison:
    """Two outputs of one test set, in tokens.

    paths, outputs: of the baseline and the system. references, sources: empty where they are not known. tests: both
    paired tests (`compare_words`); None without references. habits: of `baseline`, `system` and `references`.
    differences: the lines in which the outputs differ, largest first; of scores computed as `signature` says, or
    without references of 100 and their likeness. retokenised: the files that were no tokens.
    """

    task: str
    paths: tuple[Path, Path]
    outputs: tuple[list[str], list[str]]
    references: list[str]
    sources: list[str]
    tests: dict[str, Any] | None
    habits: dict[str, dict[str, float]]
    signature: str
    differences: list[Difference]
    retokenised: list[Path]

    @property
    def plain(self) -> dict[str, Any]:
        """All of it as plain values, each differing line with its texts."""
        texts = {"source": self.sources, "reference": self.references}
        return {
            "task": self.task,
            "baseline": str(self.paths[0]),
            "system": str(self.paths[1]),
            "lines": len(self.outputs[0]),
            "tests": self.tests,
            "habits": self.habits,
            "sentence_score": self.signature,
            "differences": [
                {
                    "line": one.line,
                    "baseline_score": one.baseline_score,
                    "system_score": one.system_score,
                    **{name: lines[one.line - 1] for name, lines in texts.items() if lines},
                    "baseline": one.baseline,
                    "system": one.system,
                    "edits": one.edits,
                }
                for one in self.differences
            ],
        }


def compare(
    baseline: Path,
    system: Path,
    *,
    references: Path | None = None,
    sources: Path | None = None,
    task: str = "",
    manner: str = "",
    language: str = "",
    folded: bool = False,
) -> Comparison:
    """Compare two systems, each a file of outputs, a run or a file of a run (`read_side`).

    references, sources: files, by default those of the run. task, language: by default those of the run, or
    `translation` and `en`. manner: which outputs of a run. folded: whether case is ignored. Raises InputError where
    files are missing or their lines do not belong together, the runs are of different test sets, and for a task that
    nothing tells.
    """
    sides = [read_side(path, manner=manner) for path in (baseline, system)]
    test = _test_of(sides)
    task, language = task or (test.task if test else "translation"), language or (test.language if test else "en")
    if task not in TASKS:
        raise InputError("its task is not known", where=baseline, fix=f"say which: --task {', '.join(TASKS)}")
    texts = [_Text(side.path, side.lines, side.test is not None) for side in sides]
    texts += [_given(references, test, "references"), _given(sources, test, "sources")]
    tokenised = _tokenised(texts, language)
    before, after, gold, asked = _words(texts, tokenised, language=language, folded=folded)
    _require_aligned(texts, (before, after), references=gold, sources=asked)
    if task == "question" and gold and not asked:
        raise InputError("questions are grouped by their sources", where="sources", fix="give the file of sources")
    scored, signature = _sentence_scores(task, (before, after), gold)
    return Comparison(
        task,
        (sides[0].path, sides[1].path),
        (before, after),
        gold,
        asked,
        compare_words(task, before, after, gold, asked) if gold else None,
        {"baseline": habits(before, gold), "system": habits(after, gold)}
        | ({"references": habits(gold)} if gold else {}),
        signature,
        differences(before, after, *scored),
        [text.path for text, tokens in zip(texts, tokenised) if not tokens],
    )


def _test_of(sides: Sequence[Side]) -> TestText | None:
    """The test set of the runs among two sides. Raises InputError if it is not the same."""
    tests = [side.test for side in sides if side.test]
    if len(tests) == 2 and tests[0].references != tests[1].references:
        raise InputError(
            f"is of another test set than {sides[0].path}", where=sides[1].path, fix="compare runs of one corpus"
        )
    return tests[0] if tests else None


class _Text(NamedTuple):
    """Lines to compare. known: they are the tokens of a run."""

    path: Path
    lines: list[str]
    known: bool


def _given(path: Path | None, test: TestText | None, name: str) -> _Text:
    """The text of a file or else of the run; without either, no lines."""
    if path:
        return _Text(path, read_lines(path), False)
    return _Text(Path(name), getattr(test, name) if test else [], True)


def _tokenised(texts: Sequence[_Text], language: str) -> list[bool]:
    """Whether the texts are tokenised: outputs and references are judged together, sources (the last) alone."""
    unknown = [[] if text.known else text.lines for text in texts]
    shown = [*tokenised_sides(unknown[:-1], language), *tokenised_sides(unknown[-1:], language)]
    return [text.known or tokens for text, tokens in zip(texts, shown, strict=True)]


def _words(texts: Sequence[_Text], tokenised: Sequence[bool], *, language: str, folded: bool) -> list[list[str]]:
    """The texts as tokens; those of runs alone as they were scored in their tables, with whatever escapes they have."""
    if all(text.known for text in texts):
        return [single_spaced(text.lines, folded=folded) for text in texts]
    return [
        in_words(text.lines, tokenised=tokens, language=language, folded=folded)
        for text, tokens in zip(texts, tokenised, strict=True)
    ]


def _require_aligned(texts: Sequence[_Text], lines: Sequence[list[str]], **others: list[str]) -> None:
    """Raise InputError if lines do not belong together. texts: baseline, system, and the `others` in their order."""
    check_as_many(lines[1], lines[0], where=texts[1].path, other=texts[0].path)
    places = {name: text.path for name, text in zip(others, texts[2:], strict=True)}
    places["hypotheses"] = texts[1].path
    check_lines(lines[1], places=places, **{name: one for name, one in others.items() if one})


def _sentence_scores(
    task: str, outputs: tuple[list[str], list[str]], references: list[str]
) -> tuple[tuple[Sequence[float], Sequence[float]], str]:
    """The scores of the lines of both sides, and how they were computed."""
    if references:
        (before, signature), (after, _) = (sentence_scores(task, lines, references) for lines in outputs)
        return (before, after), signature
    alike = similarities(*outputs)
    return ([100.0] * len(alike), alike), "likeness|words|percent"
