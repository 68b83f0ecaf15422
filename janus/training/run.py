"""Run fairseq-train with this plugin and monitor it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from janus import children
from janus.devices import bfloat16_warning, require_device
from janus.display import Display
from janus.errors import InputError, JobError
from janus.training.allocator import allocator
from janus.training.failure import cause_of
from janus.training.finished import is_finished
from janus.training.progress import Progress, Report
from janus.training.recovery import repair_checkpoints
from janus.training.smoke import require_ranks
from janus.training.trainer import PARENT, STOPPED

__all__ = ["repair_checkpoints", "train"]

_QUIET = {"PYTHONWARNINGS": "ignore::FutureWarning,ignore::UserWarning:torch.utils.data.dataloader"}
# Lines searched for the cause of a failure: several long tracebacks from each rank.
_TAIL = 1000
# Seconds that fairseq has to end by itself.
_GRACE = 10
# Seconds that it has, after SIGTERM, to finish an update and save a checkpoint. Batch systems send SIGKILL after 30.
_SAVING = 25


def train(
    argv: Sequence[str],
    *,
    log: Path,
    name: str = "train",
    terminal: IO[str] | None = None,
    report: IO[str] | None = None,
    lock: int | None = None,
) -> None:
    """Train with fairseq's options `argv`; its log in JSON format is appended to `log`.

    A progress bar under `name` counts updates if `terminal` (stderr by default) is a terminal; losses and validation go
    to `report`, a line each, while it runs. fairseq is stopped when
    this process ends, for whatever reason. The next call resumes from the last complete checkpoint, and does nothing if
    that is the last of the training.
    SIGTERM or SIGUSR1 to this process lets fairseq finish its update and save a checkpoint, and then ends it with the
    status 128 + signal; after SIGTERM, fairseq has `_SAVING` seconds for it. SIGHUP and SIGINT end it at once.
    lock: a file descriptor that the processes of fairseq keep open as long as they live (`janus.training.lock`).
    Raises InputError if fairseq rejects its input or the device is missing, and JobError, with the cause, for other
    failures.
    """
    argv = list(argv)
    ranks = _ranks(argv)
    if "--cpu" not in argv and ranks:
        require_device("cuda", count=ranks)
    repair_checkpoints(Path(argv[argv.index("--save-dir") + 1]), terminal=terminal)
    if is_finished(argv):
        return
    if "--cpu" not in argv and ranks > 1:
        require_ranks(ranks, device="cuda")
    if "--cpu" in argv and "bfloat16" in argv and (warning := bfloat16_warning()):
        print(f"{name}: {warning}", file=terminal or sys.stderr, flush=True)
    command = [sys.executable, "-m", "janus.training.trainer", *argv, "--log-format", "json", "--no-progress-bar"]
    log.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=_TAIL)
    bar = Progress(name, _max_update(argv), terminal)
    shown = [bar.show, *([Report(_max_update(argv), report).show] if report else [])]
    request = _Request()
    try:
        with _running(command, lock, request) as process:
            _copy_output(process, log, tail, shown)
            code = process.wait()
    finally:
        bar.close()
    if code == STOPPED or (request.number and code in (-signal.SIGTERM, -signal.SIGKILL)):
        _end_as_asked(request.number or signal.SIGTERM, code == STOPPED, name, terminal)
    if code:
        print("".join(tail), file=Display(sys.stderr))
        reason, bad_input = cause_of(tail, code)
        kind = InputError if bad_input else JobError
        raise kind(f"fairseq-train ended with status {code} ({reason})", where=log, fix="see the end of that log")


def _end_as_asked(number: int, saved: bool, name: str, terminal: IO[str] | None) -> NoReturn:
    """End this process as a shell would for the signal; a workflow that retries goes on from the last checkpoint."""
    done = "a checkpoint was saved" if saved else "no checkpoint was saved since the last one"
    line = f"{name}: stopped by {signal.Signals(number).name}, {done}; run it again to go on"
    print(line, file=terminal or sys.stderr, flush=True)
    sys.exit(128 + number)


def _copy_output(
    process: subprocess.Popen[str], log: Path, tail: deque[str], shown: Sequence[Callable[[str], None]]
) -> None:
    """Append the output of the process to the log until it ends, and show it; a truncated last line is ended first."""
    try:
        with open(log, "a+b", buffering=0) as stream:
            if stream.tell() > 0:
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    stream.write(b"\n")
            for line in process.stdout:
                tail.append(line)
                for show in shown:
                    show(line)
                stream.write(line.encode())
    except OSError as error:
        fix = "free space or permissions, then run again"
        raise JobError(f"cannot be written ({error.strerror})", where=log, fix=fix) from error


class _Request:
    """What a signal asks of a training: to save and end.

    number: the signal; 0 as long as there was none.
    """

    def __init__(self) -> None:
        self.number = 0
        self.process: subprocess.Popen[str] | None = None
        self._deadline: threading.Timer | None = None

    def __call__(self, number: int, _: object) -> None:
        """The handler of the signal; passes it on to the training."""
        if self.process is None:
            sys.exit(128 + number)
        self.number = number
        self.process.terminate()
        if number == signal.SIGTERM and self._deadline is None:
            self._deadline = threading.Timer(_SAVING, self.process.kill)
            self._deadline.daemon = True
            self._deadline.start()

    def close(self) -> None:
        """The training has ended."""
        self.process = None
        if self._deadline is not None:
            self._deadline.cancel()


@contextmanager
def _running(command: Sequence[str], lock: int | None, request: _Request) -> Iterator[subprocess.Popen[str]]:
    """The training process, in its own session, which ends with the block and with this process."""
    settings = {**allocator(processor="--cpu" in command), **_QUIET, PARENT: str(os.getpid())}
    with _handled_signals(request):
        # Its own session, so that all its processes can be stopped together, and Ctrl-C does not reach them.
        process = subprocess.Popen(
            command,
            env=children.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
        )
        request.process = process
        try:
            yield process
        finally:
            request.close()
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """End every process of the training's session, including other ranks and data loading."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        # The normal case: no process is left.
        return


@contextmanager
def _handled_signals(request: _Request) -> Iterator[None]:
    """Hand SIGTERM and SIGUSR1 to `request`, and turn other signals that end a job into exceptions.

    So `finally` blocks run. Of these, ignored ones (nohup) stay ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {
        number: lambda number, _: sys.exit(128 + number)
        for number in (signal.SIGHUP, signal.SIGINT)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    handlers |= dict.fromkeys((signal.SIGTERM, signal.SIGUSR1), request)
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _ranks(argv: Sequence[str]) -> int:
    """The GPUs that the options name; 0 where they leave it to fairseq."""
    return int(argv[list(argv).index("--distributed-world-size") + 1]) if "--distributed-world-size" in argv else 0


def _max_update(argv: Sequence[str]) -> int | None:
    return int(argv[list(argv).index("--max-update") + 1]) if "--max-update" in argv else None
