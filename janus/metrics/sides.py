"""Two systems to compare: output files, runs of the workflow, or score files of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from janus.errors import InputError
from janus.files import read_lines
from janus.records.shapes import CORPUS, SCORES, read_record
from janus.text.of_corpus import encoder_of_corpus, has_own_bpe

# The task that is scored in a metric.
_TASK_OF = {"bleu_tok": "translation", "rouge1_155": "summary", "rougeL_coco": "question", "bleu1_nltk35": "reply"}


@dataclass(frozen=True)
class TestText:
    """What a run was decoded on, in tokens: sources, references, the language of these, and the task."""

    sources: list[str]
    references: list[str]
    language: str
    task: str


@dataclass(frozen=True)
class Side:
    """One of two systems. path: its outputs. lines: one output each. test: of a run, whose lines are tokens."""

    path: Path
    lines: list[str]
    test: TestText | None


def read_side(path: Path, *, manner: str = "") -> Side:
    """The outputs of a text file, of a run's folder, or of a file in a run's `decode` or `score`.

    manner: which outputs of a folder are meant, by default `ar` where there are some, else those of the most passes.
    Raises InputError where there are none.
    """
    path = Path(path)
    decoded = _decoded(path, manner)
    if decoded is None:
        return Side(path, read_lines(path), None)
    corpus = decoded.parents[3] / "corpus"
    encoder = encoder_of_corpus(corpus)
    lines = [" ".join(encoder.decode(line).split()) for line in read_lines(decoded)]
    return Side(decoded, lines, _test_text(decoded, corpus))


def _decoded(path: Path, manner: str) -> Path | None:
    """The decoded file of a run that a path means; None for a text file."""
    if path.is_dir():
        found = [one for one in path.glob(f"decode/{manner}*.bpe") if not one.name.startswith(".")]
        if not found:
            what = f"holds no outputs{f' in the manner {manner}' if manner else ''}"
            raise InputError(what, where=path, fix="give a run that was decoded, or files of outputs")
        return min(found, key=lambda one: (one.stem.partition("-")[0], -int(one.stem.partition("-")[2] or 0)))
    if path.parent.name == "score" and path.suffix == ".json":
        return path.parents[1] / "decode" / f"{path.stem}.bpe"
    in_run = len(path.resolve().parents) > 3 and (path.resolve().parents[3] / "corpus/corpus.json").is_file()
    return path.resolve() if in_run and path.parent.name == "decode" and path.suffix == ".bpe" else None


def _test_text(decoded: Path, corpus: Path) -> TestText:
    facts = read_record(corpus / "corpus.json", CORPUS, "source", "target")
    sources, references = (read_lines(corpus / f"tok/test.{facts[side]}") for side in ("source", "target"))
    score = decoded.parents[1] / "score" / f"{decoded.stem}.json"
    scores: Mapping[str, object] = read_record(score, SCORES, "scores")["scores"] if score.is_file() else {}
    task = next((task for metric, task in _TASK_OF.items() if metric in scores), "")
    return TestText(sources, references, facts["target"], task or ("translation" if has_own_bpe(corpus) else ""))
