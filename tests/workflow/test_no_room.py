"""Decoding and scoring on a disk that is full: one line that names the file, and nothing of it under its name."""

import os
import subprocess

import pytest
import torch
from fairseq_models import SIZES, build, sources
from rule_scripts import run_script

pytestmark = pytest.mark.slow

PAGE = os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """By script: its inputs and parameters, the names of its outputs, and what these hold where there is room."""
    folder = tmp_path_factory.mktemp("jobs")
    model, words = build("janus_transformer")
    options = {**SIZES, "arch": "janus_transformer", "query_position": "own", "activation_fn": "relu"}
    options |= {"encoder_learned_pos": True, "decoder_learned_pos": True}
    torch.save({"cfg": {"model": options}, "model": model.state_dict()}, folder / "averaged.pt")
    words.save(str(folder / "dict.de.txt"))
    lines = "".join(" ".join(words[t] for t in sentence[1:-1]) + "\n" for sentence in sources(14, bos=True))
    for name in ("test.de", "test.en"):
        (folder / name).write_text(lines)
    names = {
        "decode": {"hypotheses": "ar.bpe", "facts": "ar.bpe.json"},
        "score": {"scores": "ar.json", "vital": "v.json"},
    }
    decode = {
        "input": {"checkpoint": str(folder / "averaged.pt"), "bpe": str(folder), "data": str(folder)},
        "params": {
                "source": "de",
                "decoding": {"manner": "ar", "beam": 1, "max_len_b": 15},
                "batch_tokens": 500,
            },
        "wildcards": {"mode": "ar"},
    }
    score = {
        "input": {"hypotheses": str(folder / "test.de"), "tok": str(folder), "raw": str(folder), "fewer": []},
        "params": {"recipe": "multi30k", "source": "de", "target": "en", "lowercase": False, "expected": None},
        "wildcards": {"mode": "ar"},
    }
    made = {}
    for script, job in (("decode", decode), ("score", score)):
        output = {key: folder / name for key, name in names[script].items()}
        done = run_script(script, output, folder, **job)
        assert done.returncode == 0, done.stderr + (folder / "log").read_text()
        made[script] = job, names[script], {name: (folder / name).read_bytes() for name in names[script].values()}
    return made


@pytest.fixture
def small_disk(tmp_path):
    """A file system of four pages, of which one is free."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={4 * PAGE}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a file system of its own cannot be mounted here: {done.stderr.strip()}")
    try:
        (folder / "filler").write_bytes(b"x" * 3 * PAGE)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def assert_one_line(done, path, reason):
    assert done.returncode == 1
    assert done.stderr == f"error: {path}: cannot be written ({reason}); free space or permissions, then run again\n"


@pytest.mark.parametrize("script", ["decode", "score"])
def test_where_nothing_fits_nothing_is_left(jobs, script, tmp_path):
    job, names, _ = jobs[script]
    output = {key: tmp_path / "out" / name for key, name in names.items()}
    done = run_script(script, output, tmp_path, limit=100, **job)
    assert_one_line(done, next(iter(output.values())), "File too large")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("script", ["decode", "score"])
def test_a_disk_that_fills_after_the_first_product(jobs, script, small_disk, tmp_path):
    """The first is whole, the second is not there, and the job has failed; with room it does it all."""
    job, names, whole = jobs[script]
    output = {key: small_disk / name for key, name in names.items()}
    first, second = output.values()
    assert len(whole[first.name]) <= PAGE
    done = run_script(script, output, tmp_path, **job)
    assert_one_line(done, second, "No space left on device")
    assert {path.name for path in small_disk.iterdir()} == {"filler", first.name}
    (small_disk / "filler").unlink()
    assert run_script(script, output, tmp_path, **job).returncode == 0
    if script == "decode":
        assert first.read_bytes() == whole[first.name]
    assert second.is_file()
