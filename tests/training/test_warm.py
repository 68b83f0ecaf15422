"""The warm Python does for every command what a fresh one does: output, status, signals, its end."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import psutil
import pytest

from janus.errors import InputError
from janus.training.trainer import PARENT
from janus.training.warm import WarmPython

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program():
    with WarmPython() as python:
        yield str(python.program)


COMMANDS = {
    "code": ["-c", "import sys; print(sys.argv, __name__)", "a", "b c"],
    "module": ["-m", "this_module", "x"],
    "script": ["script.py", "--y"],
    "status": ["-c", "raise SystemExit(3)"],
    "message": ["-c", "import sys; sys.exit('said at the end')"],
    "nothing": ["-c", "import sys; sys.exit()"],
    "exit handlers": ["-c", "import atexit; atexit.register(print, 'last')"],
    "threads": ["-c", "import threading; threading.Timer(0.1, print, ['later']).start()"],
    "killed": ["-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    "standard input": ["-c", "print(input()[::-1])"],
    "a flag": ["-X", "utf8", "-c", "print(1)"],
    "unbuffered": ["-u", "-c", "print(2)"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_command_gives_what_python_gives(program, tmp_path, words):
    for name in ("this_module.py", "script.py"):
        text = "import os, sys\nprint(sys.argv[1:], __name__, os.getcwd(), sys.path[0], os.environ['MARK'])\n"
        (tmp_path / name).write_text(text)

    def run(python):
        environment = {"PATH": os.environ["PATH"], "MARK": "here", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        return subprocess.run(
            [python, *words], cwd=tmp_path, env=environment, input="abc\n", capture_output=True, text=True
        )

    warm, fresh = run(program), run(sys.executable)
    assert (warm.returncode, warm.stdout, warm.stderr) == (fresh.returncode, fresh.stdout, fresh.stderr)


def test_an_error_ends_with_its_traceback(program):
    done = subprocess.run([program, "-c", "raise ValueError('what')"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.endswith("ValueError: what\n")


def test_what_a_command_starts_is_warm_too(program):
    inner = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; print(len(sys.modules))'])"
    done = subprocess.run([program, "-c", inner], capture_output=True, text=True)
    fresh = subprocess.run([sys.executable, "-c", "import torch, sys; print(len(sys.modules))"], capture_output=True)
    assert int(done.stdout) > int(fresh.stdout)


def test_the_folder_of_temporary_files_may_have_any_name(tmp_path, monkeypatch):
    folder = tmp_path / ("a long name, with spaces; " * 6)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with WarmPython() as python:
        done = subprocess.run([python.program, "-c", "print(1)"], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "1\n", done.stderr
    assert list(folder.iterdir()) == []


def test_where_no_program_may_run_the_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=f"{tmp_path}: programs in the folder .*; set TMPDIR"):
        WarmPython()
    assert list(tmp_path.iterdir()) == []


SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def is_alive(process: int) -> bool:
    """Whether a process lives; one that is killed takes a moment to go."""
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_the_command(program, number):
    with subprocess.Popen(
        [program, "-c", SLEEPER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as job:
        process = int(job.stdout.readline())
        job.send_signal(number)
        assert job.wait() in (-number, 1)
    assert not is_alive(process)


@pytest.mark.parametrize("starter", ["warm", "fresh"])
def test_a_trainer_dies_with_the_process_that_started_it(program, starter):
    code = (
        "import os, subprocess, sys, time\n"
        f"environment = os.environ | {{'{PARENT}': str(os.getpid())}}\n"
        "print(os.getpid(), flush=True)\n"
        "subprocess.Popen(sys.argv[1:], env=environment)\n"
        "time.sleep(60)\n"
    )
    words = [program if starter == "warm" else sys.executable, "-c", code, program, "-c", SLEEPER]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as job:
        started, trainer = (int(job.stdout.readline()) for _ in range(2))
        os.kill(started, signal.SIGKILL)
    assert not is_alive(trainer)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_arithmetic_uses_the_threads_of_the_command(program, threads):
    environment = os.environ | {"OMP_NUM_THREADS": threads}
    code = "import torch; print(torch.get_num_threads())"
    done = subprocess.run([program, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == f"{threads}\n"


def test_open_files_are_passed_on(program, tmp_path):
    with open(tmp_path / "lock", "wb") as lock:
        code = "import os, sys; print(os.fstat(int(sys.argv[1])).st_ino)"
        words = [program, "-c", code, str(lock.fileno())]
        done = subprocess.run(words, pass_fds=[lock.fileno()], capture_output=True, text=True)
        assert done.stdout == f"{os.fstat(lock.fileno()).st_ino}\n"


def test_a_closed_standard_input_is_none_of_the_servers(program):
    code = "import os; print(os.readlink('/proc/self/fd/0'))"
    done = subprocess.run([program, "-c", code], preexec_fn=lambda: os.close(0), capture_output=True, text=True)
    assert done.stdout == "/dev/null\n", done.stderr


def test_a_command_is_seen_by_its_own_words(program):
    with subprocess.Popen([program, "-c", SLEEPER, "--save-dir", "x"], stdout=subprocess.PIPE, text=True) as job:
        title = psutil.Process(int(job.stdout.readline())).cmdline()[0]
        job.terminate()
    assert shlex.split(title) == ["python", "-c", SLEEPER, "--save-dir", "x"]


def test_nothing_outlives_the_warm_python():
    with WarmPython() as python:
        job = subprocess.Popen([str(python.program), "-c", SLEEPER], stdout=subprocess.PIPE, text=True)
        process = int(job.stdout.readline())
    assert job.wait() != 0 and not is_alive(process)
    job.stdout.close()
