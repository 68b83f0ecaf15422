"""Processes that are to train together answer each other first; one that fails or hangs is named."""

import subprocess
import sys
import time

import pytest

from janus.errors import InputError
from janus.training import run, smoke

pytestmark = pytest.mark.slow


def test_two_processes_answer():
    done = subprocess.run([sys.executable, "-m", "janus.training.smoke", "2", "--cpu"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "2 processes on cpu: all answer\n"), done.stderr


def stand_in(tmp_path, monkeypatch, *scripts):
    """Let each rank be a shell script."""
    words = (["sh", "-c", script] for script in scripts)
    monkeypatch.setattr(smoke, "_start", lambda command, log: subprocess.Popen(next(words), stderr=log.open("wb")))


def test_one_that_fails_ends_the_check(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "sleep 60", "echo unhandled system error >&2; exit 3")
    begun = time.monotonic()
    with pytest.raises(
        InputError, match=r"2 processes on cuda: process 1 ended with status 3 \(unhandled system error\)"
    ):
        smoke.require_ranks(2, device="cuda")
    assert time.monotonic() - begun < 30


def test_one_that_hangs_ends_the_check(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "true", "sleep 60")
    with pytest.raises(InputError, match=r"process 1 did not answer .*NCCL_DEBUG=INFO .*smoke 2"):
        smoke.require_ranks(2, device="cuda", patience=0.2)


@pytest.mark.parametrize(("gpus", "asked"), [(1, []), (4, [4])])
def test_a_training_on_several_gpus_begins_with_it(tmp_path, monkeypatch, gpus, asked):
    counted = []

    def note(count, *, device):
        counted.append(count)
        raise InputError("they do not", where=device, fix="none")

    monkeypatch.setattr(run, "require_device", lambda device, count: None)
    monkeypatch.setattr(run, "require_ranks", note)
    monkeypatch.setattr(run, "_running", lambda *_: (_ for _ in ()).throw(InputError("starts", where="", fix="")))
    words = ["data", "--save-dir", str(tmp_path), "--distributed-world-size", str(gpus)]
    with pytest.raises(InputError, match="they do not" if asked else "starts"):
        run.train(words, log=tmp_path / "log")
    assert counted == asked
