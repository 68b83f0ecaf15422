"""No process outlives the one it works for, however that ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from janus.training import tether

CHILD = """
import os, sys, time
from janus.training.tether import die_with_parent
die_with_parent(int(sys.argv[1]))
print("tied", os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = f"""
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {CHILD!r}, str(os.getpid())])
time.sleep(60)
"""


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


@pytest.mark.slow
def test_a_child_dies_with_its_killed_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    _, child = parent.stdout.readline().split()
    assert alive(int(child))
    parent.kill()
    parent.wait()
    assert gone(int(child))


@pytest.mark.slow
def test_a_child_whose_parent_is_gone_already_does_not_begin():
    gone_before = subprocess.Popen(["true"])
    gone_before.wait()
    done = subprocess.run([sys.executable, "-c", CHILD, str(gone_before.pid)], stdout=subprocess.PIPE, timeout=20)
    assert done.returncode == -signal.SIGKILL and done.stdout == b""


FOLLOWER = """
import sys, time
from janus.training.tether import follow
{more}
follow([int(sys.argv[1])])
print("follows", flush=True)
while True:
    time.sleep(0.1)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("", -signal.SIGTERM),
        # One that does not listen is killed.
        (
            "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
            "from janus.training import tether; tether._GRACE = 0.2",
            -signal.SIGKILL,
        ),
    ],
)
def test_a_job_ends_with_the_process_it_follows(more, status):
    leader = subprocess.Popen(["sleep", "60"])
    job = subprocess.Popen(
        [sys.executable, "-c", FOLLOWER.format(more=more), str(leader.pid)], stdout=subprocess.PIPE, text=True
    )
    assert job.stdout.readline() == "follows\n"
    leader.kill()
    leader.wait()
    assert job.wait(timeout=10) == status


@pytest.mark.slow
def test_a_job_of_snakemake_knows_it_through_shells(tmp_path):
    """The chain that Snakemake makes: itself, a shell, the script; what stands above it is not followed."""
    module = tmp_path / "snakemake.py"
    module.write_text(
        "import subprocess, sys\n"
        "print(__import__('os').getpid(), flush=True)\n"
        "subprocess.run(['bash', '-c', 'set -e; \"$0\" -c \"$1\"; true', sys.executable, sys.argv[1]])\n"
    )
    code = "from janus.training.tether import snakemake_ancestors; print(*snakemake_ancestors())"
    words = [sys.executable, "-m", "snakemake", code]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    snakemake, ancestors = done.stdout.splitlines()
    assert ancestors.split()[-1] == snakemake and len(ancestors.split()) == 2
    assert tether.snakemake_ancestors() == []


def test_another_system_says_what_it_cannot_do(monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(tether, "_LINUX", False)
    monkeypatch.delattr(os, "pidfd_open")
    tether.follow([])
    tether.die_with_parent(1)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("darwin does not tell")
