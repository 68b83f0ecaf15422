"""Several processes give what one gives, read no further ahead than said, and never hang."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from janus.errors import InputError
from janus.text import parallel_lines as parallel
from janus.text.parallel_lines import map_calls, map_lines

LINES = [f"line {i}" for i in range(200)]


@pytest.mark.parametrize("workers", [1, 3])
def test_lines_come_in_order(workers, monkeypatch):
    monkeypatch.setattr(parallel, "_CHUNK", 7)
    assert list(map_lines(lambda: str.upper, LINES, workers=workers)) == [line.upper() for line in LINES]
    assert list(map_lines(lambda: str.upper, [], workers=workers)) == []
    assert map_calls(pow, [(2, 3), (3, 2), (5, 1)], workers=workers) == [8, 9, 5]


def test_workers_read_no_further_ahead_than_their_chunks(monkeypatch):
    monkeypatch.setattr(parallel, "_CHUNK", 5)
    taken = []
    mapped = map_lines(lambda: str.upper, (taken.append(line) or line for line in LINES), workers=2)
    next(mapped)
    assert len(taken) == 3 * 2 * 5
    mapped.close()


def refuse(line: str) -> str:
    raise InputError("bad line", where=line, fix="correct it")


def end(line: str) -> str:
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_one_line_of_a_worker_is_that_of_the_caller():
    with pytest.raises(InputError, match="^line 0: bad line; correct it$") as caught:
        list(map_lines(lambda: refuse, LINES, workers=2))
    assert (caught.value.where, caught.value.fix) == ("line 0", "correct it")


def test_a_killed_worker_is_an_error_and_no_wait():
    with pytest.raises(BrokenProcessPool):
        list(map_lines(lambda: end, LINES, workers=2))


PARENT = """
import os, time
from janus.text.parallel_lines import map_lines
mapped = map_lines(lambda: str, ["a"] * 10**6, workers=2)
next(mapped)
print(*os.popen(f"ps -o pid= --ppid {os.getpid()}").read().split(), flush=True)
time.sleep(60)
"""


def test_workers_end_with_their_parent():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as process:
        workers = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    assert len(workers) >= 2
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def alive(pid: int) -> bool:
    """Whether a process still runs; one that waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
