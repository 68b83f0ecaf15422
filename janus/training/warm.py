"""A Python that has already imported what every job of the workflow imports, and forks for each command.

Importing PyTorch and fairseq takes longer than what most jobs of a small tier do. `WarmPython` starts one process that
imports them once; the program it gives stands in for `python`, also as the `sys.executable` of what it runs, so that
Snakemake's scripts and fairseq-train go the same way. What runs is the same code in the same order.
"""

import array
import atexit
import contextlib
import fcntl
import gc
import importlib
import io
import json
import logging
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from pathlib import Path
from typing import NoReturn

from setproctitle import setproctitle

from janus.children import FIXED
from janus.errors import InputError
from janus.training.tether import die_with_parent
from janus.training.threads import set_threads
from janus.training.trainer import PARENT

# Open files of a client: the three streams and a lock, and what a caller may leave open.
_MOST_FILES = 64
_CLIENT = Path(__file__).with_name("warm_client.py")
_ROOT = Path(__file__).resolve().parents[2]
# Nothing here starts threads or touches a GPU when it is imported; forked processes may then do both.
_MODULES = (
    "numpy",
    "pandas",
    "torch",
    # Any optimiser imports it.
    "torch._dynamo",
    "sacrebleu",
    "fairseq.tasks.translation_lev",
    "fairseq.tasks.denoising",
    "fairseq.trainer",
    "fairseq.options",
    "fairseq.models.bart",
    "fairseq.models.nat",
    "fairseq.criterions.nat_loss",
    "snakemake.logging",
    "snakemake.iocontainers",
    "janus.text.encode",
    "janus.fetching.fetch",
    "janus.text.pretraining_text",
    "janus.text.prepare",
    "janus.fetching.terms",
    "janus.decoding.latency",
    "janus.training.logs",
    "janus.training.run",
    "janus.metrics.files",
    "janus.metrics.trivial_baselines",
    "janus.metrics.task_files",
    "janus.report.tables",
    "janus.report.metric_table",
)


def is_supported() -> bool:
    """Whether this system tells one process of the end of another that is not its child (Linux 5.3)."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return sys.platform == "linux"


class WarmPython:
    """The server; `program` is the path of what to run instead of python.

    It ends with `close`, with the context that it manages, or with the process that started it, however that ends.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="janus-warm-")
        folder = Path(self._folder.name)
        address, self.program = folder / "socket", folder / "python"
        words = [sys.executable, "-I", "-S", str(_CLIENT), str(address)]
        self.program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        self.program.chmod(0o755)
        if not os.access(self.program, os.X_OK):
            self._folder.cleanup()
            raise InputError(
                "programs in the folder of temporary files cannot be run",
                where=folder.parent,
                fix="set TMPDIR to another folder, or `warm_jobs: false`",
            )
        command = [sys.executable, "-m", "janus.training.warm", str(address), str(self.program)]
        # The package may be found by its place alone, as in a checkout that is not installed.
        places = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(_ROOT))))
        environment = os.environ | FIXED | {"PYTHONPATH": places}
        self._server = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # Keeps this object, and with it the folder, as long as the process.
        atexit.register(self.close)
        if self._server.stdout.readline() != "listening\n":
            self.close()
            raise InputError("the server of jobs did not start", where=address, fix="set `warm_jobs: false`")

    def __enter__(self) -> "WarmPython":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, and with it every command that it runs."""
        atexit.unregister(self.close)
        # It ends with its standard input.
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._folder.cleanup()


def serve(address: str, program: str) -> None:
    """Say `listening`, import, and answer commands until standard input closes."""
    base = list(sys.path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # From its folder, since the address of a socket may have 107 bytes.
    with contextlib.chdir(Path(address).parent):
        listener.bind(Path(address).name)
    listener.listen(64)
    # The first commands wait for the imports, which start while Snakemake chooses them.
    print("listening", flush=True)
    # Some of them log while they are imported, which would set handlers up.
    logging.root.addHandler(logging.NullHandler())
    for name in _MODULES:
        importlib.import_module(name)
    logging.root.handlers.clear()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # The collector would otherwise write to every object, and the kernel copy each page for every command.
    gc.collect()
    gc.freeze()
    server = os.getpid()
    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in readable:
            os._exit(0)
        channel, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(channel, program, base, server)
        channel.close()


def _answer(channel: socket.socket, program: str, path: list[str], server: int) -> None:
    """In a process of its own: start the command, pass signals on to it, send its status."""
    # So that nothing outlives the rehearsal.
    die_with_parent(server)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files = _receive(channel)
    monitor, command = os.getpid(), os.fork()
    if command == 0:
        channel.close()
        _become(request, files, program, path, monitor)
    for file in files:
        os.close(file)
    done = os.pidfd_open(command)
    starter = _tied_to(request)
    while True:
        readable, _, _ = select.select([channel, done, *starter], [], [])
        if done in readable:
            break
        number = channel.recv(1) if channel in readable else b""
        # A client that is gone was killed; what it stood for dies as it did, and with what it is tied to.
        os.killpg(command, number[0] if number else signal.SIGKILL)
        if not number:
            break
    _, status = os.waitpid(command, 0)
    # A client that was killed need not be told.
    with contextlib.suppress(BrokenPipeError):
        channel.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
    os._exit(0)


def _receive(channel: socket.socket) -> tuple[dict, list[int]]:
    """A client's request, and the files that it has open, at numbers above its own."""
    head, rights, _, _ = channel.recvmsg(8, socket.CMSG_LEN(_MOST_FILES * array.array("i").itemsize))
    received = array.array("i", rights[0][2])
    length, content = int.from_bytes(head, "big"), b""
    while len(content) < length:
        content += channel.recv(length - len(content))
    request = json.loads(content)
    files = [fcntl.fcntl(file, fcntl.F_DUPFD, max(request["descriptors"]) + 1) for file in received]
    for file in received:
        os.close(file)
    return request, files


def _tied_to(request: dict) -> list[int]:
    """A descriptor of the process that started a trainer, which the trainer must not outlive; none for others."""
    if request["environment"].get(PARENT) != str(request["parent"]):
        return []
    try:
        return [os.pidfd_open(request["parent"])]
    except ProcessLookupError:
        # It is gone already: a pipe without a writer is readable, as the descriptor of a dead process is.
        reader, writer = os.pipe()
        os.close(writer)
        return [reader]


def _become(request: dict, files: list[int], program: str, path: list[str], monitor: int) -> None:
    """Make this process what a fresh Python in the client's place would be."""
    die_with_parent(monitor)
    os.setsid()
    setproctitle(shlex.join(["python", *request["words"]]))
    for number, file in zip(request["descriptors"], files, strict=True):
        os.dup2(file, number)
        os.close(file)
    for number in {0, 1, 2} - {*request["descriptors"]}:
        # The client's is closed; this process's own would be the server's.
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False), "utf-8")
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = os.fdopen(number, "wb", closefd=False)
        setattr(sys, name, io.TextIOWrapper(raw, "utf-8", line_buffering=number == 2 or os.isatty(number)))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if os.environ.get(PARENT) == str(request["parent"]):
        # A trainer ties itself to what started it; its parent is the monitor here, which ends with either.
        os.environ[PARENT] = str(monitor)
    sys.executable = program
    set_threads()
    added = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry and entry not in path]
    sys.path[:] = [*added, *path]
    _end(_status_of(request["words"]))


def _status_of(words: list[str]) -> int:
    """Run a command; the status that python would end with."""
    try:
        _run(words)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(status: int) -> NoReturn:
    """End as python does, but for taking all modules apart, which takes longer than most commands."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def _run(words: list[str]) -> None:
    """Run a script, `-m module` or `-c code` as python would; anything else needs a fresh one."""
    while words[:1] == ["-u"]:
        words = words[1:]
    kind = words[0] if words else ""
    if kind == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, os.getcwd())
        # It may be one that was imported already.
        warnings.filterwarnings("ignore", message=".* found in sys.modules", category=RuntimeWarning)
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *words[2:]]
        sys.path.insert(0, "")
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
    elif kind and not kind.startswith("-"):
        sys.argv = words
        sys.path.insert(0, str(Path(kind).resolve().parent))
        runpy.run_path(kind, run_name="__main__")
    else:
        os.execv(sys.orig_argv[0], [sys.orig_argv[0], *words])


if __name__ == "__main__":
    serve(*sys.argv[1:])
