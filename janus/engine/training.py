"""Run fairseq-train with this plugin, watched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tqdm import tqdm

from janus.engine.logs import parse_line
from janus.errors import InputError
from janus.files import atomic_path
from janus.model.checkpoints import read_checkpoint

# glibc maps every large tensor anew and faults it in page by page; kept in the heap instead, a CPU step takes about
# 0.6 of the time, for some gigabytes more memory at large vocabularies. Other C libraries ignore these.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "1073741824"}
_QUIET = {"PYTHONWARNINGS": "ignore::FutureWarning,ignore::UserWarning:torch.utils.data.dataloader"}
_TAIL = 30


def train(argv: Sequence[str], *, log: Path, name: str = "train", terminal: IO[str] | None = None) -> None:
    """Train with fairseq's options `argv`; its log in JSON format is appended to `log`.

    A progress bar under `name` counts updates where `terminal` (stderr if not given) is one. Interrupting stops fairseq
    too; the next call goes on from the last checkpoint that was wholly written. Raises InputError with fairseq's last
    line where it fails.
    """
    mend_checkpoints(Path(argv[list(argv).index("--save-dir") + 1]))
    command = [sys.executable, "-m", "fairseq_cli.train", *argv, "--log-format", "json", "--no-progress-bar"]
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**_ALLOCATOR, **_QUIET, **os.environ}
    tail: deque[str] = deque(maxlen=_TAIL)
    bar = tqdm(
        total=_max_update(argv), desc=name, unit="update", file=terminal or sys.stderr, disable=None, leave=False
    )
    with open(log, "a", encoding="utf-8") as stream, bar:
        # A session of its own, so that its data-loading workers can be stopped together with it.
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            for line in process.stdout:
                stream.write(line)
                stream.flush()
                tail.append(line)
                _show(bar, line)
            code = process.wait()
        finally:
            signal.signal(signal.SIGTERM, previous)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
    if code:
        print("".join(tail), file=sys.stderr)
        reason = next((line.strip() for line in reversed(tail) if line.strip()), "no output")
        raise InputError(
            f"fairseq-train ended with status {code} ({reason})", where=log, mend="see the end of that log"
        )


def mend_checkpoints(folder: Path) -> None:
    """Remove checkpoints that an interruption left half-written, and put the newest whole one in place of the last.

    fairseq writes one file safely and copies it under the other names, which a kill can cut short.
    """
    updates = {}
    for path in sorted(folder.glob("checkpoint*.pt")):
        try:
            updates[path] = read_checkpoint(path)["optimizer_history"][-1]["num_updates"]
        except InputError as error:
            print(f"removed: {error}", file=sys.stderr)
            path.unlink()
    last = folder / "checkpoint_last.pt"
    if updates and last not in updates:
        with atomic_path(last) as partial:
            shutil.copyfile(max(updates, key=updates.__getitem__), partial)


def _max_update(argv: Sequence[str]) -> int | None:
    return int(argv[list(argv).index("--max-update") + 1]) if "--max-update" in argv else None


def _show(bar: tqdm, line: str) -> None:
    parsed = parse_line(line)
    if parsed and parsed[0] == "train_inner":
        bar.update(int(parsed[1]["num_updates"]) - bar.n)
        bar.set_postfix(loss=parsed[1]["loss"])
