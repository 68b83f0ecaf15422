"""Rows that are kept and put back are whole, of one revision, and done for Snakemake."""

import json
import subprocess
from pathlib import Path

import pytest

from janus.__main__ import main
from janus.errors import InputError
from janus.records.kept_rows import keep_rows, restore_rows

ROW = Path("pair/janus/seed-1")


def write(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run_of(folder: Path, *, seed: int = 1, revision: str = "abc") -> Path:
    row = f"pair/janus/seed-{seed}"
    return write(
        folder,
        {
            f"{row}/train.json": json.dumps({"seed": seed, "revision": revision}),
            f"{row}/averaged.json": '{"checkpoints": {}, "sha256": "a"}',
            f"{row}/averaged.pt": "weights",
            f"{row}/checkpoints/log.jsonl": f"Saving {folder.resolve()}/{row}/checkpoints/checkpoint1.pt\n",
            f"{row}/checkpoints/checkpoint1.pt": "weights",
            f"{row}/decode/ar.bpe": "a sentence\n",
            f"{row}/decode/ar.bpe.json": '{"checkpoint": "a"}',
            f"{row}/score/ar.json": '{"bleu": 1}',
        },
    )


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_trained_rows_are_kept_with_scored_outputs_and_without_checkpoints(tmp_path, capsys):
    run = run_of(tmp_path / "results/tiny")
    write(run, {f"{ROW}/decode/nar-2.bpe": "not yet scored\n", "pair/janus/seed-2/decode/ar.bpe": "still trained\n"})
    assert main(["keep", str(run), str(tmp_path / "kept")]) == 0
    assert capsys.readouterr().out == f"{ROW}\n"
    records = {f"{ROW}/{name}.json" for name in ("train", "averaged", "decode/ar.bpe", "score/ar")}
    assert files(tmp_path / "kept") == records | {f"{ROW}/checkpoints/log.jsonl", f"{ROW}/decode/ar.bpe"}
    log = (tmp_path / "kept" / ROW / "checkpoints/log.jsonl").read_text()
    assert log == f"Saving results/tiny/{ROW}/checkpoints/checkpoint1.pt\n"


def test_rows_and_decodings_are_added_and_none_is_replaced(tmp_path):
    kept, run = tmp_path / "kept", run_of(tmp_path / "results/tiny")
    assert keep_rows(run, kept) == [ROW]
    (kept / ROW / "decode/ar.bpe").write_text("kept\n")
    run_of(run, seed=2)
    write(run, {f"{ROW}/decode/nar-2.bpe": "later\n", f"{ROW}/score/nar-2.json": "{}"})
    assert keep_rows(run, kept) == [ROW, Path("pair/janus/seed-2")]
    assert (kept / ROW / "decode/ar.bpe").read_text() == "kept\n"
    assert (kept / ROW / "decode/nar-2.bpe").read_text() == "later\n"
    assert keep_rows(run, kept) == []


def test_a_scored_row_without_a_training_of_its_own_is_kept(tmp_path):
    run, other = run_of(tmp_path / "results/tiny"), "pair/janus-greedy/seed-1"
    write(run, {f"{other}/decode/ar.bpe": "a sentence\n", f"{other}/score/ar.json": "{}"})
    assert keep_rows(run, tmp_path / "kept") == [ROW, Path(other)]
    assert (tmp_path / "kept" / other / "decode/ar.bpe").is_file()


def test_rows_of_another_revision_are_refused(tmp_path):
    keep_rows(run_of(tmp_path / "one/tiny"), tmp_path / "kept")
    with pytest.raises(InputError, match="kept: rows of several revisions: abc, abd; use a separate folder for each"):
        keep_rows(run_of(tmp_path / "other/tiny", seed=2, revision="abd"), tmp_path / "kept")
    assert not (tmp_path / "kept/pair/janus/seed-2").exists()


def test_rows_are_put_back_where_their_corpus_is_prepared(tmp_path):
    keep_rows(run_of(tmp_path / "one/tiny"), tmp_path / "kept")
    with pytest.raises(InputError, match="pair/corpus: not prepared; run the workflow with --until binarise first"):
        restore_rows(tmp_path / "kept", tmp_path / "two/tiny")
    write(tmp_path / "two/tiny", {"pair/corpus/bin/dict.txt": ""})
    assert restore_rows(tmp_path / "kept", tmp_path / "two/tiny") == [ROW]
    assert len({path.stat().st_mtime_ns for path in (tmp_path / "two/tiny" / ROW).rglob("*.*")}) == 1
    assert restore_rows(tmp_path / "kept", tmp_path / "two/tiny") == []
    with pytest.raises(InputError, match="nothing: no trained rows"):
        restore_rows(tmp_path / "nothing", tmp_path / "two/tiny")


@pytest.mark.slow
def test_snakemake_takes_a_file_for_done_whose_inputs_are_gone(tmp_path):
    """What `restore` relies on: without its checkpoint a score is not made again, and a comparison of scores is."""
    write(
        tmp_path,
        {
            "Snakefile": "rule all:\n  input: 'compared'\n"
            "rule train:\n  output: 'weights'\n  shell: 'false'\n"
            "rule score:\n  input: 'weights'\n  output: 'score'\n  shell: 'false'\n"
            "rule compare:\n  input: 'score'\n  output: 'compared'\n  shell: 'cp score compared'\n",
            "score": "1\n",
        },
    )
    done = subprocess.run(["snakemake", "--cores", "1"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "compared").read_text() == "1\n"


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_run_without_trained_rows_is_refused(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["keep", str(tmp_path / folder), str(tmp_path / "kept")]) == 1
    said = capsys.readouterr()
    assert f"{folder}: no trained rows; give the folder of a run" in said.err and not said.out
    assert not (tmp_path / "kept").exists()


def test_nothing_is_printed_where_nothing_is_new(tmp_path, capsys):
    words = ["keep", str(run_of(tmp_path / "results/tiny")), str(tmp_path / "kept")]
    assert main(words) == main(words) == 0
    assert capsys.readouterr().out == f"{ROW}\n"
