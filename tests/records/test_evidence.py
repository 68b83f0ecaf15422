"""The evidence of a run is whole, small, and names no machine."""

import json
from pathlib import Path

import pytest

from janus.__main__ import main
from janus.errors import InputError
from janus.records.evidence import gather_evidence, revisions

_LOG = (
    "Saving checkpoint to /home/someone/clone/results/tiny/pair/janus/seed-1/checkpoints/checkpoint1.pt @ 3 updates\n"
    "{'user_dir': '/home/someone/janus/plugin', 'plasma_path': '/tmp/plasma', 'at': 'https://a.org/b/c', 'b': 1/2}\n"
)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    texts = {
        "results/tiny/tables/table1.md": "| published |\n",
        "results/tiny/figures/figure4.png": "picture",
        "results/tiny/pair/corpus/corpus.json": '{"lines": 3}',
        "results/tiny/pair/corpus/raw/train.de": "ein satz\n",
        "results/tiny/pair/janus/seed-1/train.json": '{"seed": "1"}',
        "results/tiny/pair/janus/seed-1/curves.csv": "update,bleu\n",
        "results/tiny/pair/janus/seed-1/checkpoints/log.jsonl": _LOG,
        "results/tiny/pair/janus/seed-1/checkpoints/identity.json": "{}",
        "results/tiny/pair/janus/seed-1/checkpoints/checkpoint_last.pt": "weights",
        "results/tiny/pair/janus/seed-1/decode/ar.bpe": "a sentence\n",
        "results/tiny/pair/janus/seed-1/averaged.json": '{"checkpoints": {"checkpoint1.pt": "c"}, "sha256": "a"}',
        "results/tiny/pair/janus/seed-1/averaged.pt": "weights",
        "results/tiny/pair/janus/seed-1/decode/ar.bpe.json": '{"manner": "ar", "checkpoint": "a"}',
        "logs/tiny/pair/janus/seed-1/train.tsv": "s\th:m:s\n30.5\t0:00:30\n",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_records_are_copied_and_nothing_else(clone):
    assert main(["evidence", "results/tiny", "published/tiny"]) == 0
    evidence = clone / "published/tiny"
    assert {str(path.relative_to(evidence)) for path in evidence.rglob("*") if path.is_file()} == {
        "tables/table1.md",
        "figures/figure4.png",
        "pair/corpus/corpus.json",
        "pair/janus/seed-1/train.json",
        "pair/janus/seed-1/averaged.json",
        "pair/janus/seed-1/curves.csv",
        "pair/janus/seed-1/checkpoints/log.jsonl",
        "pair/janus/seed-1/decode/ar.bpe.json",
        "durations.md",
        "durations.json",
    }
    assert json.loads((evidence / "durations.json").read_text())["parts"] == [
        {"name": "train", "jobs": 1, "total": 30.5, "longest": 30.5}
    ]
    assert [path.name for path in (clone / "published").iterdir()] == ["tiny"]


def test_the_logs_of_the_working_directory_are_those_beside_its_results(clone, monkeypatch):
    monkeypatch.chdir(clone / "results/tiny")
    assert main(["evidence", ".", str(clone / "published")]) == 0
    assert json.loads((clone / "published/durations.json").read_text())["tier"] == "tiny"
    assert (
        "Saving checkpoint to results/tiny/"
        in (clone / "published/pair/janus/seed-1/checkpoints/log.jsonl").read_text()
    )


def test_a_run_named_from_within_results_has_the_same_paths(clone, monkeypatch):
    monkeypatch.chdir(clone / "results")
    gather_evidence(Path("tiny"), clone / "logs/tiny", clone / "published")
    assert "results/tiny/pair" in (clone / "published/pair/janus/seed-1/checkpoints/log.jsonl").read_text()


def test_no_machine_is_named(clone):
    gather_evidence(clone / "results/tiny", clone / "logs/tiny", clone / "published")
    log = (clone / "published/pair/janus/seed-1/checkpoints/log.jsonl").read_text()
    assert log == (
        "Saving checkpoint to results/tiny/pair/janus/seed-1/checkpoints/checkpoint1.pt @ 3 updates\n"
        "{'user_dir': 'plugin', 'plasma_path': 'plasma', 'at': 'https://a.org/b/c', 'b': 1/2}\n"
    )


def test_the_revision_that_gathered_is_none_of_the_run(clone):
    (clone / "results/tiny/pair/janus/seed-1/train.json").write_text('{"revision": "a"}', encoding="utf-8")
    gather_evidence(clone / "results/tiny", clone / "logs/tiny", clone / "published")
    assert json.loads((clone / "published/durations.json").read_text())["revision"] != "a"
    assert list(revisions(clone / "published")) == ["a"]


def test_bad_input(clone):
    with pytest.raises(InputError, match="results/other: no tables"):
        gather_evidence(clone / "results/other", clone / "logs/tiny", clone / "published")
    with pytest.raises(InputError, match="logs/other: no durations of jobs"):
        gather_evidence(clone / "results/tiny", clone / "logs/other", clone / "published")
    assert not (clone / "published").exists()
    with pytest.raises(InputError, match="logs/tiny: exists"):
        gather_evidence(clone / "results/tiny", clone / "logs/tiny", clone / "logs/tiny")


ROOT = Path(__file__).resolve().parents[2]
# To be replaced by runs of one revision; a name leaves this list with the run that it stands for.
MIXED = {"multi30k-cpu"}
TRACKED = sorted(path.parent for path in (ROOT / "results/reference").glob("*/tables"))


def test_a_run_of_several_revisions_is_refused(clone):
    run = clone / "results/tiny"
    (run / "pair/janus/seed-1/train.json").write_text('{"revision": "aaaaaaaaaaaa"}')
    gather_evidence(run, clone / "logs/tiny", clone / "one")
    (run / "pair/janus/seed-1/score").mkdir()
    (run / "pair/janus/seed-1/score/ar.json").write_text('{"provenance": {"revision": "bbbbbbbbbbbb"}}')
    message = (
        r"results/tiny: produced by 2 revisions of the code: bbbbbbbbbbbb \(pair/janus/seed-1/score/ar.json\), aaaa"
    )
    with pytest.raises(InputError, match=message):
        gather_evidence(run, clone / "logs/tiny", clone / "two")
    assert not (clone / "two").exists()


def test_outputs_of_another_average_than_the_recorded_one_are_refused(clone):
    run = clone / "results/tiny"
    decoded = run / "pair/janus/seed-1/decode/ar.bpe.json"
    decoded.write_text('{"manner": "ar", "checkpoint": "b"}')
    with pytest.raises(InputError, match=r"decode/ar\.bpe\.json: decoded with a different averaged\.pt from "):
        gather_evidence(run, clone / "logs/tiny", clone / "two")
    decoded.write_text('{"manner": "ar", "checkpoint": "a"}')
    (run / "pair/janus/seed-1/checkpoints/checkpoint1.pt").write_text("later weights")
    with pytest.raises(InputError, match=r"averaged\.pt: checkpoints/checkpoint1\.pt was written after it"):
        gather_evidence(run, clone / "logs/tiny", clone / "two")
    assert not (clone / "two").exists()


def test_uncommitted_changes_are_no_revision(clone):
    (clone / "results/tiny/pair/janus/seed-1/train.json").write_text('{"revision": "aaaaaaaaaaaa-dirty"}')
    with pytest.raises(InputError, match="produced by aaaaaaa with uncommitted changes"):
        gather_evidence(clone / "results/tiny", clone / "logs/tiny", clone / "two")


@pytest.mark.parametrize("run", TRACKED, ids=lambda path: path.name)
def test_a_tracked_run_is_of_one_revision(run):
    # Asides are other runs, which the text cites beside it; durations.json is of the command that gathered them.
    found = {
        name
        for name, paths in revisions(run).items()
        if any(path.relative_to(run).parts[0] not in ("asides", "durations.json") for path in paths)
    }
    assert (len(found) == 1 and not any(name.endswith("-dirty") for name in found)) == (run.name not in MIXED)
