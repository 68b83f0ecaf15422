"""Score files of the generation tasks: what they hold, and what bad files leave behind."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from janus.corpora.demo_tasks import pairs, verdicts
from janus.corpora.manifest import Vocabulary
from janus.corpora.vocabulary import load_encoder, make_subword
from janus.errors import InputError
from janus.files import read_json, sha256, write_lines
from janus.metrics.dialogue import score_dialogue
from janus.metrics.summary import score_summary
from janus.metrics.task_files import score_task_file, task_scores
from janus.report.names import METRICS, SHOWN

EXAMPLES = {task: list(pairs(task, 12, seed=1)) for task in ("summary", "question", "reply")}
TABLES = {"summary": (2, 8), "question": (4, 7), "reply": (5,)}


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary")
    write_lines(folder / "text", [line for examples in EXAMPLES.values() for pair in examples for line in pair])
    demo = Vocabulary("demo", "subword", "free", text="demo", merges=60)
    make_subword(demo, [folder / "text"], [], folder / "made", progress=False)
    return folder / "made"


@pytest.fixture
def files(tmp_path: Path, vocabulary: Path) -> dict[str, Any]:
    """The arguments for a summary task whose outputs are the references, in subwords."""
    sources, references = zip(*EXAMPLES["summary"])
    encoder = load_encoder(vocabulary)
    write_lines(tmp_path / "hyp", map(encoder.encode, references))
    write_lines(tmp_path / "test.src", sources)
    write_lines(tmp_path / "test.tgt", references)
    paths = {"hypotheses": tmp_path / "hyp", "sources": tmp_path / "test.src", "references": tmp_path / "test.tgt"}
    return {"task": "summary", "vocabulary": vocabulary, "output": tmp_path / "score.json", **paths}


def test_perfect_outputs_score_100_and_provenance_names_every_input(files: dict[str, Any]) -> None:
    assert "@@ " in files["hypotheses"].read_text()
    score_task_file(**files, verdicts=partial(verdicts, "summary"), facts={"seed": 3})
    record = read_json(files["output"])
    scores = {name: score["value"] for name, score in record["scores"].items()}
    assert [scores[name] for name in ("rouge1_155", "rougeL", "overall", "valid")] == pytest.approx([100] * 4)
    assert scores["mixed"] == 0
    lengths = [len(reference.split()) for _, reference in EXAMPLES["summary"]]
    assert scores["words"] == pytest.approx(sum(lengths) / len(lengths))
    assert record["provenance"]["seed"] == 3
    inputs = {"hypotheses", "references", "sources", "vocabulary"}
    assert record["provenance"]["inputs"].keys() == inputs
    assert record["provenance"]["inputs"]["hypotheses"] == sha256(files["hypotheses"])


def test_words_are_scored_and_subwords_are_counted_apart(files: dict[str, Any]) -> None:
    write_lines(files["hypotheses"], ["the the dog do@@ do@@ g"] + [""] * 11)
    score_task_file(**files)
    scores = read_json(files["output"])["scores"]
    words = ["the the dog dodog"] + [""] * 11
    references = [reference for _, reference in EXAMPLES["summary"]]
    assert {name: scores[name] for name in score_summary(words, references)} == score_summary(words, references)
    assert scores["repetition"]["value"] == pytest.approx(100 / 4)
    assert scores["repetition_subword"]["value"] == pytest.approx(100 * 2 / 6)
    assert scores["words"]["value"] == pytest.approx(4 / 12)
    assert "valid" not in scores


@pytest.mark.parametrize("task", EXAMPLES)
def test_a_task_has_what_its_tables_print_and_every_metric_a_name(task: str) -> None:
    sources, references = zip(*EXAMPLES[task])
    outputs = [references[-1], *references[1:]]
    scores = task_scores(task, outputs, references, sources, subwords=outputs, verdicts=partial(verdicts, task))
    assert scores.keys() <= METRICS.keys()
    for number in TABLES[task]:
        assert set(SHOWN[number].values()) - {"iterations", "latency", "speedup"} <= scores.keys()
    assert scores["valid"]["value"] == pytest.approx(100 * 11 / 12)


def test_replies_are_scored_as_dialogue() -> None:
    sources, references = zip(*EXAMPLES["reply"])
    scores = task_scores("reply", references[::-1], references, sources)
    assert scores.items() >= score_dialogue(references[::-1], references).items()
    assert "repetition_subword" not in scores


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("hyp", ["a"] * 11, r"test.tgt: 12 lines for 11 hypotheses in .*hyp; decode the test set again"),
        ("hyp", [], r"test.tgt: 12 lines for 0 hypotheses in .*hyp"),
        ("test.tgt", ["a"] * 3 + [""] + ["a"] * 8, r"test.tgt:4: empty line"),
        ("test.src", ["a"] * 11 + [" "], r"test.src:12: empty line"),
        ("test.src", ["a"] * 13, r"test.src: 13 lines for 12 hypotheses"),
    ],
)
def test_bad_files_are_named_and_leave_no_score(
    files: dict[str, Any], tmp_path: Path, name: str, lines: list[str], message: str
) -> None:
    write_lines(tmp_path / name, lines)
    with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))}/{message}"):
        score_task_file(**files)
    assert not files["output"].exists()


def test_an_unknown_task_and_a_missing_vocabulary_are_named(files: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no task 'translation'; use one of summary, question, reply"):
        score_task_file(**files | {"task": "translation"})
    with pytest.raises(InputError, match="vocabulary.json"):
        score_task_file(**files | {"vocabulary": tmp_path})
    assert not files["output"].exists()
