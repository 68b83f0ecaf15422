"""A lock that lives exactly as long as those who hold it, and says who they are."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from janus.errors import InputError
from janus.training.lock import folder_lock

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from janus.training.lock import folder_lock
with folder_lock(Path(sys.argv[1])) as lock:
    child = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock, and a child of it that inherited it."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    yield process, child
    process.kill()
    process.wait()
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_the_refusal_names_the_holder(tmp_path, holder, capsys):
    with pytest.raises(InputError) as error, folder_lock(tmp_path / "run", wait=0.3):
        raise AssertionError
    text = str(error.value)
    assert f"process {holder[0].pid} " in text and socket.gethostname() in text and "since 20" in text
    assert "\n" not in text and str(tmp_path / "run") in text
    assert "waits for another training" in capsys.readouterr().err


def test_it_is_held_by_what_a_killed_holder_left_and_by_nobody_after(tmp_path, holder):
    process, child = holder
    process.kill()
    process.wait()
    with pytest.raises(InputError, match="one that it started"), folder_lock(tmp_path / "run", wait=0):
        raise AssertionError
    os.kill(child, signal.SIGKILL)
    started = time.monotonic()
    with folder_lock(tmp_path / "run", wait=20) as lock:
        assert lock is not None
    assert time.monotonic() - started < 10


def test_it_can_be_taken_again_and_again(tmp_path):
    for _ in range(3):
        with folder_lock(tmp_path / "a" / "run", wait=0):
            assert (tmp_path / "a" / "run.lock").is_file()
            assert not (tmp_path / "a" / "run").exists()


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with folder_lock(tmp_path / "run") as lock:
        assert lock is None
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no locks (No locks available)" in line
