"""Real processes: one killed without warning in a later epoch resumes exactly, and none aborts or hangs at its end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from fairseq_training import TINY, differences, run, tensors, write_pairs, write_text

from janus.training.run import train

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
JANUS = ["--task", "janus", "--arch", "janus_transformer", "--criterion", "janus", "--dropout", "0.1"]
BART = ["--task", "janus_bart_baseline", "--arch", "bart_base", "--criterion", "label_smoothed_cross_entropy"]
BART += ["--mask", "0.3", "--mask-length", "span-poisson", "--replace-length", "1", "--rotate", "0"]
BART += ["--tokens-per-sample", "202", "--sample-break-mode", "complete"]


def test_a_killed_process_resumes_exactly(tmp_path, monkeypatch):
    """SIGKILL of fairseq and its worker, whenever it comes, between the second epoch and the end."""
    # Sums differ by the number of threads, and an earlier test may have changed that of this process.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, str(torch.get_num_threads()))
    data = write_pairs(tmp_path / "data", seed=1, count=30)
    words = [str(data), *TINY, *JANUS, "--max-tokens", "60", "--num-workers", "1", "--max-update", "40"]
    words += ["--save-interval-updates", "3", "--keep-last-epochs", "2"]
    run(words, tmp_path / "whole")
    broken = tmp_path / "broken"
    words += ["--save-dir", str(broken)]
    command = [sys.executable, "-m", "fairseq_cli.train", *words]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (broken / "checkpoint2.pt").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    train(words, log=tmp_path / "log.jsonl")
    assert differences(tensors(broken), tensors(tmp_path / "whole")) == []


def test_a_training_ends_with_status_0(tmp_path):
    """After the first update, when batches of long blocks are still to come; fairseq's own buffer aborts or hangs."""
    data = write_text(tmp_path / "data", seed=1, count=400, longest=190)
    words = [str(data), *TINY, *BART, "--max-tokens", "4000", "--num-workers", "0", "--max-update", "1"]
    words += ["--disable-validation", "--no-save"]
    command = [sys.executable, str(ROOT / "tests/fairseq_exits.py"), "4", str(tmp_path / "out"), *words]
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path})
    assert done.stdout.split() == ["0"] * 4, done.stderr[-1000:]
