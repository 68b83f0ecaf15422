"""A training that gets SIGTERM or SIGUSR1 saves, ends with that signal's status, and resumes to the bit."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from fairseq_training import TINY, differences, run, tensors, write_pairs
from signals import heed_signals

from janus.training import run as training
from janus.training.trainer import PARENT, STOPPED

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMMON = [*TINY, "--task", "janus", "--arch", "janus_transformer", "--criterion", "janus", "--dropout", "0.1"]
# One epoch has about thirty updates, so that the request comes in the middle of one.
COMMON += ["--max-tokens", "60", "--keep-last-epochs", "1"]
UPDATES = 60
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
JOB = """
import json, sys
from pathlib import Path
from janus.training.run import train
train(json.loads(sys.argv[1]), log=Path(sys.argv[2]), name="the training")
"""


def updates_in(log: Path) -> int:
    """The last update that a log names; 0 without one."""
    found = re.findall(r'"num_updates": "(\d+)"', log.read_text(encoding="utf-8")) if log.exists() else []
    return int(found[-1]) if found else 0


def wait_for(log: Path, updates: int, *processes: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while updates_in(log) < updates:
        assert all(process.poll() is None for process in processes) and time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """Options, and what a training that nothing disturbs makes of them."""
    folder = tmp_path_factory.mktemp("stopping")
    words = [str(write_pairs(folder / "data", seed=1, count=200)), *COMMON, "--max-update", str(UPDATES)]
    run([*words, "--num-workers", "0"], folder / "whole")
    return words, tensors(folder / "whole")


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    """As many as this process has: sums differ by their number."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, str(torch.get_num_threads()))


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, 0), (signal.SIGUSR1, 1)])
def test_a_training_asked_to_stop_saves_and_resumes_exactly(unbroken, tmp_path, number, workers):
    words, whole = unbroken
    folder, log = tmp_path / "checkpoints", tmp_path / "log.jsonl"
    options = [*words, "--num-workers", str(workers), "--save-dir", str(folder)]
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, json.dumps(options), str(log)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_signals,
    )
    wait_for(log, 10, job)
    job.send_signal(number)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 128 + number, said
    (line,) = [line for line in said.splitlines() if "stopped" in line]
    assert line == f"the training: stopped by {number.name}, a checkpoint was saved; run it again to go on"
    saved = tensors(folder)
    # Saved at the last update that was made, and inside an epoch, where nothing would have been saved otherwise.
    assert saved["/updates"] == updates_in(log) < UPDATES
    assert saved["/iterator/iterations_in_epoch"] > 0
    run([*words, "--num-workers", "0"], folder)
    assert differences(tensors(folder), whole) == []


def test_a_training_that_does_not_stop_is_killed(tmp_path, monkeypatch, capsys):
    """One that hangs, as ranks do that wait for each other, is not waited for after SIGTERM."""
    words = shlex.join([sys.executable, "-c", DEAF])
    monkeypatch.setattr(training, "_SAVING", 0.5)
    monkeypatch.setattr(sys, "executable", tmp_path / "python")
    (tmp_path / "python").write_text(f"#!/bin/sh\nexec {words}\n", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    log = tmp_path / "log.jsonl"

    def ask():
        while not log.exists() or "deaf" not in log.read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    watch = threading.Thread(target=ask)
    watch.start()
    with pytest.raises(SystemExit) as end:
        training.train(["--save-dir", str(tmp_path / "checkpoints"), "--cpu"], log=log, name="a training")
    watch.join()
    assert end.value.code == 128 + signal.SIGTERM
    assert "a training: stopped by SIGTERM, no checkpoint was saved since the last one" in capsys.readouterr().err


def test_ranks_stop_after_the_same_update(unbroken, tmp_path):
    """Only one of two is asked; both end with the status that says so, and one of them has saved."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    words = [*unbroken[0], "--num-workers", "0", "--save-dir", str(tmp_path), "--log-format", "json"]
    words += ["--distributed-init-method", address, "--distributed-world-size", "2", "--distributed-no-spawn"]
    words += ["--distributed-backend", "gloo", "--ddp-backend", "legacy_ddp"]
    logs = [tmp_path / f"rank-{rank}.log" for rank in range(2)]
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "janus.training.trainer", *words, "--distributed-rank", str(rank)],
            stdout=open(log, "w", encoding="utf-8"),
            stderr=subprocess.STDOUT,
            env=os.environ | {PARENT: str(os.getpid()), "OMP_NUM_THREADS": "1"},
        )
        for rank, log in enumerate(logs)
    ]
    try:
        wait_for(logs[0], 5, *ranks)
        ranks[1].send_signal(signal.SIGUSR1)
        assert [rank.wait(timeout=60) for rank in ranks] == [STOPPED] * 2
    finally:
        for rank in ranks:
            rank.kill()
    update = re.search(r"stopped as asked after update (\d+)", logs[0].read_text())[1]
    assert tensors(tmp_path)["/updates"] == int(update) < UPDATES
