"""Score files of the generation tasks: what they hold, and what bad files leave behind."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rule_scripts import run_script

from janus.demo.tasks import pairs, verdicts
from janus.errors import InputError
from janus.fetching.manifest import Vocabulary
from janus.files import read_json, sha256, write_lines
from janus.metrics.dialogue import score_dialogue
from janus.metrics.summary import score_summary
from janus.metrics.task_files import compare_task_files, score_task_file, task_scores
from janus.report.names import METRICS
from janus.report.paper_tables import PAPER_TABLES
from janus.text.vocabulary import load_encoder, make_subword, vocabulary_digest

EXAMPLES = {task: list(pairs(task, 12, seed=1)) for task in ("summary", "question", "reply")}
# METEOR, which scores questions, takes seconds to start.
TASKS = ["summary", pytest.param("question", marks=pytest.mark.slow), "reply"]
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


@pytest.mark.parametrize("record", [score_task_file, compare_task_files])
def test_subwords_of_no_vocabulary_are_marked(files: dict[str, Any], record: Callable[..., None]) -> None:
    """As in data that somebody else binarised."""
    if record is compare_task_files:
        files |= {"baseline": files["hypotheses"], "system": files.pop("hypotheses")}
    shared, marked = files["output"], files["output"].with_name("marked.json")
    record(**files)
    record(**files | {"vocabulary": None, "output": marked})
    before, after = (read_json(path) for path in (shared, marked))
    assert before["provenance"].pop("inputs") == after["provenance"].pop("inputs") | {
        "vocabulary": vocabulary_digest(files["vocabulary"])
    }
    del before["provenance"], after["provenance"]
    assert before == after


@pytest.mark.slow
def test_the_rules_of_a_task_take_a_corpus_without_a_vocabulary(files: dict[str, Any], tmp_path: Path) -> None:
    shared = {"tok": str(tmp_path), "vocabulary": []}
    params = {"recipe": "binarised", "task": "summary", "source": "src", "target": "tgt", "expected": None}
    hypotheses = str(files["hypotheses"])
    scored = {"score": tmp_path / "score.json", "vital": tmp_path / "vital.json"}
    inputs = shared | {"hypotheses": hypotheses, "fewer": []}
    done = run_script("score_task", scored, tmp_path, input=inputs, params=params, wildcards={})
    assert done.returncode == 0, done.stderr
    assert read_json(scored["score"])["scores"]["rouge1_155"]["value"] == pytest.approx(100)
    assert read_json(scored["vital"])["degenerate"] == []
    inputs = shared | {"system": hypotheses, "baseline": hypotheses}
    compared = {"comparison": tmp_path / "compared.json"}
    done = run_script("compare_task", compared, tmp_path, input=inputs, params=params, wildcards={})
    assert done.returncode == 0, done.stderr


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


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_what_its_tables_print_and_every_metric_a_name(task: str) -> None:
    sources, references = zip(*EXAMPLES[task])
    outputs = [references[-1], *references[1:]]
    scores = task_scores(task, outputs, references, sources, subwords=outputs, verdicts=partial(verdicts, task))
    assert scores.keys() <= METRICS.keys()
    for number in TABLES[task]:
        assert set(PAPER_TABLES[number].shown.values()) - {"iterations", "latency", "speedup"} <= scores.keys()
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


def sides_of(task: str, folder: Path, vocabulary: Path) -> dict[str, Any]:
    """The arguments for a comparison of the references, the system, with the references one line further."""
    sources, references = zip(*EXAMPLES[task])
    encoder = load_encoder(vocabulary)
    write_lines(folder / "base", map(encoder.encode, references[1:] + references[:1]))
    write_lines(folder / "hyp", map(encoder.encode, references))
    write_lines(folder / "test.src", sources)
    write_lines(folder / "test.tgt", references)
    paths = {"baseline": folder / "base", "system": folder / "hyp"}
    paths |= {"sources": folder / "test.src", "references": folder / "test.tgt"}
    return {"task": task, "vocabulary": vocabulary, "output": folder / "compare.json", **paths}


@pytest.mark.parametrize("task", TASKS)
def test_what_is_tested_is_the_first_column_of_the_tasks_tables(tmp_path: Path, vocabulary: Path, task: str) -> None:
    files = sides_of(task, tmp_path, vocabulary)
    compare_task_files(**files, facts={"mode": "nar-1"})
    record = read_json(files["output"])
    assert {record["metric"]} == {PAPER_TABLES[number].tested for number in TABLES[task]}
    sources, references = zip(*EXAMPLES[task])
    score = task_scores(task, references[1:] + references[:1], references, sources)[record["metric"]]
    # What the tables print of ROUGE-1.5.5 is the mean of its own resamples.
    assert record["baseline"] == pytest.approx(score["value"], abs=1.0 if task == "summary" else 1e-9)
    assert record["signature"].startswith(score["signature"])
    assert record["delta"] == pytest.approx(record["system"] - record["baseline"]) and record["delta"] > 10
    assert record["p_bootstrap"] == 1 / 1001 and record["signature"].endswith("|bs:1000|ar:10000|seed:12345")
    assert record["p_value"] == 1 / 1001 > record["p_randomisation"]
    assert record["provenance"]["mode"] == "nar-1"
    inputs = {"baseline", "system", "references", "sources", "vocabulary"}
    assert record["provenance"]["inputs"].keys() == inputs
    assert record["provenance"]["inputs"]["baseline"] == sha256(files["baseline"])


def test_swapped_sides_change_the_sign_and_equal_ones_are_no_claim(tmp_path: Path, vocabulary: Path) -> None:
    files = sides_of("reply", tmp_path, vocabulary)
    results = []
    for names in (("base", "hyp"), ("hyp", "base"), ("hyp", "hyp")):
        sides = dict(zip(("baseline", "system"), (tmp_path / name for name in names), strict=True))
        compare_task_files(**files | sides)
        results.append(read_json(files["output"]))
    there, back, same = results
    assert there["delta"] == -back["delta"] > 0 and there["p_value"] == back["p_value"]
    assert (same["delta"], same["p_value"]) == (0, 1)


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("base", ["a"] * 11, r"test.tgt: 12 lines for 11 hypotheses in .*base; decode the test set again"),
        ("hyp", ["a"] * 13, r"test.tgt: 12 lines for 13 hypotheses in .*hyp; decode the test set again"),
        ("test.tgt", ["a"] * 3 + [""] + ["a"] * 8, r"test.tgt:4: empty line"),
        ("test.src", ["a"] * 11 + [" "], r"test.src:12: empty line"),
    ],
)
def test_bad_sides_are_named_and_leave_no_test(
    tmp_path: Path, vocabulary: Path, name: str, lines: list[str], message: str
) -> None:
    files = sides_of("question", tmp_path, vocabulary)
    write_lines(tmp_path / name, lines)
    with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))}/{message}"):
        compare_task_files(**files)
    with pytest.raises(InputError, match="no task 'translation'; use one of summary, question, reply"):
        compare_task_files(**files | {"task": "translation"})
    with pytest.raises(InputError, match="missing.bpe"):
        compare_task_files(**files | {"baseline": tmp_path / "missing.bpe"})
    assert not files["output"].exists()
