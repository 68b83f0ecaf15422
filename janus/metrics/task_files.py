"""Scores of the tasks of generation, from a decoded file to a score file like `janus.metrics.files`'."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from janus.corpora.vocabulary import load_encoder
from janus.errors import InputError
from janus.files import read_lines, sha256, write_json
from janus.metrics.dialogue import score_dialogue
from janus.metrics.lines import check_lines
from janus.metrics.question import score_questions
from janus.metrics.repetition import repetition_scores
from janus.metrics.summary import score_summary
from janus.metrics.validity import Verdict, score_verdicts
from janus.provenance import Stopwatch, provenance

Scores = dict[str, dict[str, float | str]]
# (sources, outputs) -> one verdict a line
Judges = Callable[[Sequence[str], Sequence[str]], Iterable[Verdict]]

_SCORERS: dict[str, Callable[[Sequence[str], Sequence[str], Sequence[str]], Scores]] = {
    "summary": lambda hypotheses, references, sources: score_summary(hypotheses, references),
    "question": score_questions,
    "reply": lambda hypotheses, references, sources: score_dialogue(hypotheses, references),
}


def score_task_file(
    *,
    task: str,
    hypotheses: Path,
    vocabulary: Path,
    references: Path,
    sources: Path,
    output: Path,
    verdicts: Judges | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Score a decoded file and write {"scores": {name: {"value", "signature"}}, "provenance"} as JSON.

    `task` is summary, question or reply. `hypotheses` holds subwords of the vocabulary whose folder is given, an output
    a line, which may be empty; `references` and `sources` are tokenised text. `verdicts(sources, outputs)` adds the
    shares of valid and of mixed outputs. `facts` join the provenance. Raises InputError, naming the file and writing
    nothing, for an unknown task, a missing file, text that is not UTF-8, unequal line counts and an empty reference or
    source.
    """
    watch = Stopwatch()
    subwords = read_lines(hypotheses)
    encoder = load_encoder(vocabulary)
    outputs = [_single_spaced(encoder.decode(line)) for line in subwords]
    gold, asked = read_lines(references), read_lines(sources)
    places = {"hypotheses": hypotheses, "references": references, "sources": sources}
    check_lines(outputs, places=places, references=gold, sources=asked)
    scores = task_scores(task, outputs, gold, asked, subwords=subwords, verdicts=verdicts)
    inputs = {name: sha256(path) for name, path in places.items()}
    inputs["vocabulary"] = sha256(vocabulary / "vocabulary.json")
    write_json(output, {"scores": scores, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})


def task_scores(
    task: str,
    outputs: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str],
    *,
    subwords: Sequence[str] | None = None,
    verdicts: Judges | None = None,
) -> Scores:
    """All that is measured of a task's outputs, as {name: {"value", "signature"}}.

    The task's own scores, repetition, `words`, the mean length of an output, and with `verdicts` validity. All sides
    are words, line i of each is example i; `subwords` are the outputs as they were decoded. Raises InputError for an
    unknown task and where lines do not fit.
    """
    if task not in _SCORERS:
        raise InputError(f"no task {task!r}", where="task", mend=f"use one of {', '.join(_SCORERS)}")
    scores = _SCORERS[task](outputs, references, sources)
    if verdicts is not None:
        scores |= score_verdicts(verdicts(sources, outputs))
    mean = sum(len(line.split()) for line in outputs) / len(outputs)
    return scores | repetition_scores(outputs, subwords) | {"words": {"value": mean, "signature": "words|mean"}}


def _single_spaced(line: str) -> str:
    """Tokens parted as the scorers part them."""
    return " ".join(line.split())
