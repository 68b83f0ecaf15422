"""Trainings that are killed, that fail, that have nothing left to do, or whose device is not there."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from signals import heed_signals

from janus.devices import require_device
from janus.errors import InputError, JobError
from janus.methods.base.loading import load_model
from janus.training.lock import folder_lock
from janus.training.run import repair_checkpoints, train

JANUS = ("--task", "janus", "--arch", "janus_transformer", "--criterion", "janus")
# What a job does: hold the lock, train.
JOB = """
import json, sys
from pathlib import Path
from janus.training.lock import folder_lock
from janus.training.run import train
folder = Path(sys.argv[1])
with folder_lock(folder) as lock:
    train(json.loads(sys.argv[2]), log=folder / "log.jsonl", lock=lock)
"""


@pytest.fixture
def start():
    """A function that starts a job; whatever a test leaves of it is stopped."""
    jobs = []

    def begin(words, folder, **options) -> subprocess.Popen:
        command = [sys.executable, "-c", JOB, str(folder), json.dumps(words)]
        jobs.append(subprocess.Popen(command, **{"preexec_fn": heed_signals, **options}))
        return jobs[-1]

    yield begin
    for job in jobs:
        if job.poll() is None:
            job.kill()
            job.wait()


def trainers(folder) -> list[str]:
    """The processes that train into `folder`: fairseq's, those that load data for it, those it spawned."""
    done = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if f"--save-dir {folder}" in line]


def wait_for(condition, job, seconds=300):
    """Until the condition holds, while the job runs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert job.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_no_signal_leaves_a_training_behind(training_options, start, tmp_path, number):
    """However the job ends, fairseq ends, the lock is free, and there is something to resume from."""
    folder = tmp_path / "checkpoints"
    words = training_options(folder, *JANUS, "--max-update", "100000", "--save-interval-updates", "2")
    job = start([*words, "--keep-interval-updates", "3"], folder)
    # A second checkpoint must follow the first, or there may be nothing whole yet.
    wait_for(lambda: (folder / "checkpoint_1_4.pt").exists(), job)
    assert len(trainers(folder)) >= 2
    with pytest.raises(InputError, match=f"process {job.pid} "), folder_lock(folder, wait=0):
        raise AssertionError
    job.send_signal(number)
    job.wait(timeout=30)
    assert job.returncode == (-number if number == signal.SIGKILL else 128 + number)
    # A data-loading process looks for its parent every five seconds.
    with folder_lock(folder, wait=20):
        assert trainers(folder) == []
    repair_checkpoints(folder)
    assert load_model(folder / "checkpoint_last.pt")


def test_an_ignored_hangup_stays_ignored(training_options, start, tmp_path):
    """As under nohup."""
    words = training_options(tmp_path, *JANUS, "--max-update", "100000")
    job = start(words, tmp_path, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_for(lambda: trainers(tmp_path), job)
    job.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert job.poll() is None
    job.terminate()
    assert job.wait(timeout=30) == 143


def test_the_cause_of_a_diverged_training_is_named(training_options, tmp_path, capfd):
    words = training_options(tmp_path, *JANUS, "--max-update", "9")
    words[words.index("--lr") + 1] = "1e30"
    with pytest.raises(JobError) as error:
        train(words, log=tmp_path / "log.jsonl")
    text = str(error.value)
    assert "status 1 (FloatingPointError: gradients are Nan/Inf)" in text and str(tmp_path / "log.jsonl") in text
    assert "\n" not in text and "Traceback" in capfd.readouterr().err


def test_a_full_disk_is_one_line(training_options, tmp_path):
    """A limit on the size of files stands for the disk; a checkpoint is larger, the log before it is not."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    code = limit + JOB.replace("    train", "    from janus.errors import JobError\n    try: train").rstrip()
    code += "\n    except JobError as error: print('one line:', error)"
    words = training_options(tmp_path, *JANUS, "--max-update", "2")
    command = [sys.executable, "-c", code, str(tmp_path), json.dumps(words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.startswith("one line:") and done.stdout.count("\n") == 1, done.stderr[-2000:]
    assert "File too large" in done.stdout


def test_a_log_that_cannot_be_written_is_one_line(training_options, tmp_path):
    words = training_options(tmp_path, *JANUS, "--max-update", "2")
    with pytest.raises(JobError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        train(words, log=Path("/dev/full"))
    assert trainers(tmp_path) == []


def test_a_finished_training_makes_no_further_update(training_options, trained, tmp_path):
    content = (trained / "checkpoint_last.pt").read_bytes()
    (tmp_path / "checkpoint_last.pt").write_bytes(content)
    train(training_options(tmp_path, *JANUS, "--max-update", "14"), log=tmp_path / "log.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint_last.pt"]
    assert (tmp_path / "checkpoint_last.pt").read_bytes() == content


def test_a_cut_log_is_ended_before_it_goes_on(training_options, tmp_path):
    log = tmp_path / "log.jsonl"
    cut = '| INFO | train_inner | {"epoch": 1, "lo'
    log.write_text(cut)
    train(training_options(tmp_path, *JANUS, "--max-update", "1"), log=log)
    first, *others = log.read_text().splitlines()
    assert first == cut and any('"num_updates": "1"' in line for line in others)


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about a machine without a GPU")
def test_a_device_that_is_not_there_is_found_before_the_work(training_options, tmp_path, monkeypatch):
    words = [word for word in training_options(tmp_path, *JANUS, "--max-update", "2") if word != "--cpu"]
    with pytest.raises(InputError, match="device cuda: no GPU can be used"):
        train([*words, "--distributed-world-size", "1"], log=tmp_path / "log.jsonl")
    assert list(tmp_path.iterdir()) == []
    require_device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    require_device("cuda", count=2)
    require_device("cuda:1")
    with pytest.raises(InputError, match="4 GPUs are needed and 2 can be used"):
        train([*words, "--distributed-world-size", "4"], log=tmp_path / "log.jsonl")
    with pytest.raises(InputError, match="3 GPUs are needed"):
        require_device("cuda:2")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about a machine without a GPU")
def test_decoding_asks_for_its_device_first(tmp_path):
    from janus.decoding.driver import decode_file
    from janus.decoding.latency import measure_latency

    files = {name: tmp_path / name for name in ("checkpoint", "source", "dictionary", "output")}
    with pytest.raises(InputError, match="no GPU can be used"):
        decode_file(**files, device="cuda", manner="ar")
    with pytest.raises(InputError, match="no GPU can be used"):
        measure_latency(**files, decodings=[], batch_sizes=[1], sentences=1, repeats=1, warmup=0, device="cuda")
    assert os.listdir(tmp_path) == []
