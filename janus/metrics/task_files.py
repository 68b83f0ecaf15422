"""Scores and tests of the generation tasks, from decoded files to records as in `janus.metrics.files`."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from janus.errors import InputError
from janus.files import read_lines, sha256, write_json
from janus.metrics.dialogue import bleu1_by_reply, score_dialogue
from janus.metrics.lines import check_lines
from janus.metrics.question import rouge_l_by_item, score_questions
from janus.metrics.repetition import repetition_scores
from janus.metrics.rouge155 import rouge1_by_document
from janus.metrics.scores import TESTED, Scores
from janus.metrics.significance import compare_means
from janus.metrics.summary import score_summary
from janus.metrics.validity import Verdict, score_verdicts
from janus.records.provenance import Stopwatch, provenance
from janus.text.vocabulary import decoder_of, vocabulary_digest

# (sources, outputs) -> one verdict per line
Judges = Callable[[Sequence[str], Sequence[str]], Iterable[Verdict]]

_SCORERS: dict[str, Callable[[Sequence[str], Sequence[str], Sequence[str]], Scores]] = {
    "summary": lambda hypotheses, references, sources: score_summary(hypotheses, references),
    "question": score_questions,
    "reply": lambda hypotheses, references, sources: score_dialogue(hypotheses, references),
}
# The scores of single items in the tested metric of each task, with signature.
_ITEMS: dict[str, Callable[[Sequence[str], Sequence[str], Sequence[str]], tuple[list[float], str]]] = {
    "summary": lambda hypotheses, references, sources: rouge1_by_document(hypotheses, references),
    "question": rouge_l_by_item,
    "reply": lambda hypotheses, references, sources: bleu1_by_reply(hypotheses, references),
}


class DecodedLines(NamedTuple):
    """A decoded test set: the outputs as subwords and as words, references and sources, line by line."""

    subwords: list[str]
    outputs: list[str]
    references: list[str]
    sources: list[str]


def score_task_file(
    *,
    task: str,
    hypotheses: Path,
    vocabulary: Path | None,
    references: Path,
    sources: Path,
    output: Path,
    verdicts: Judges | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Score a decoded file and write {"scores": {name: {"value", "signature"}}, "provenance"} as JSON.

    `task` is summary, question or reply. `hypotheses` contains subwords of the vocabulary in the given folder, or
    without one marked with @@, one output per line, which may be empty; `references` and `sources` are tokenised text.
    `verdicts(sources, outputs)` adds the shares of valid and of mixed outputs. `facts` join the provenance. Raises
    InputError, naming the file and writing nothing, for an unknown task, a missing file, text that is not UTF-8,
    unequal line counts and an empty reference or source.
    """
    watch = Stopwatch()
    subwords, outputs, gold, asked = read_decoded(hypotheses, vocabulary, references, sources)
    scores = task_scores(task, outputs, gold, asked, subwords=subwords, verdicts=verdicts)
    inputs = _digests(vocabulary, hypotheses=hypotheses, references=references, sources=sources)
    write_json(output, {"scores": scores, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})


def compare_task_files(
    *,
    task: str,
    baseline: Path,
    system: Path,
    vocabulary: Path | None,
    references: Path,
    sources: Path,
    output: Path,
    facts: dict[str, Any] | None = None,
) -> None:
    """Write both tests of significance of two decoded files, with the `metric` that was tested and provenance, as JSON.

    Tested is the mean of the task's first published column over its items: ROUGE-1 as in ROUGE-1.5.5 over documents,
    COCO's ROUGE-L over sources, sentence BLEU-1 under NLTK 3.5 over replies. `baseline` and `system` are files like
    `hypotheses` of `score_task_file`; other arguments and errors are the same.
    """
    watch = Stopwatch()
    _known(task)
    read = [read_decoded(path, vocabulary, references, sources) for path in (baseline, system)]
    result = compare_task(task, *(side.outputs for side in read), read[0].references, read[0].sources)
    inputs = _digests(vocabulary, baseline=baseline, system=system, references=references, sources=sources)
    write_json(output, {**result, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})


def compare_task(
    task: str, baseline: Sequence[str], system: Sequence[str], references: Sequence[str], sources: Sequence[str]
) -> dict[str, Any]:
    """Both tests of significance of two outputs, as `compare_means` returns them, and the `metric` that was tested."""
    metric = TESTED[_known(task)]
    (before, _), (after, signature) = (item_scores(task, side, references, sources) for side in (baseline, system))
    result = compare_means(before, after)
    return {**result, "metric": metric, "signature": f"{signature}|{result['signature']}"}


def item_scores(
    task: str, outputs: Sequence[str], references: Sequence[str], sources: Sequence[str]
) -> tuple[list[float], str]:
    """The score of each item in the metric that is tested, 0 to 100, and its signature.

    An item is an example; of questions, all examples of a source together, in the order of the sources.
    """
    return _ITEMS[_known(task)](outputs, references, sources)


def task_scores(
    task: str,
    outputs: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str],
    *,
    subwords: Sequence[str] | None = None,
    verdicts: Judges | None = None,
) -> Scores:
    """All scores of a task's outputs, as {name: {"value", "signature"}}.

    The task's own scores, repetition, `words`, the mean length of an output, and with `verdicts` validity. All sides
    are words, line i of each is example i; `subwords` are the outputs as they were decoded. Raises InputError for an
    unknown task and if lines do not fit.
    """
    scores = _SCORERS[_known(task)](outputs, references, sources)
    if verdicts is not None:
        scores |= score_verdicts(verdicts(sources, outputs))
    mean = sum(len(line.split()) for line in outputs) / len(outputs)
    return scores | repetition_scores(outputs, subwords) | {"words": {"value": mean, "signature": "words|mean"}}


def _known(task: str) -> str:
    if task not in _SCORERS:
        raise InputError(f"no task {task!r}", where="task", fix=f"use one of {', '.join(_SCORERS)}")
    return task


def read_decoded(hypotheses: Path, vocabulary: Path | None, references: Path, sources: Path) -> DecodedLines:
    """All sides of a decoded test set, checked; errors name the file."""
    decode = decoder_of(vocabulary)
    subwords = read_lines(hypotheses)
    outputs = [_single_spaced(decode(line)) for line in subwords]
    lines = DecodedLines(subwords, outputs, read_lines(references), read_lines(sources))
    places = {"hypotheses": hypotheses, "references": references, "sources": sources}
    check_lines(outputs, places=places, references=lines.references, sources=lines.sources)
    return lines


def _digests(vocabulary: Path | None, **files: Path) -> dict[str, str]:
    """Digests of the inputs; of the vocabulary its files, since its record contains wall times."""
    found = {name: sha256(path) for name, path in files.items()}
    return found | ({"vocabulary": vocabulary_digest(vocabulary)} if vocabulary else {})


def _single_spaced(line: str) -> str:
    """Tokens split as the scorers split them, with single spaces between them."""
    return " ".join(line.split())
