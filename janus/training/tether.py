"""Processes that end when the processes they work for end, even by SIGKILL, which allows no cleanup.

On Linux the kernel notifies a process of the death of its parent (prctl) and lets it wait for any other (pidfd). Other
systems have no equivalent; there `follow` prints a warning once.
"""

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LINUX = sys.platform == "linux"
# Seconds that a process has to end by itself once the process it works for has died; a training saves meanwhile.
_GRACE = 30


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process as soon as the thread of process `parent` that started it ends.

    Exits at once if `parent` has already ended. Does nothing on systems other than Linux.
    """
    if not _LINUX:
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died before the call to the kernel.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def follow_snakemake(report: IO[str] | None = None) -> None:
    """End this process when the Snakemake that runs it ends, or a process between the two; see `follow`."""
    follow(snakemake_ancestors(), report)


def follow(processes: list[int], report: IO[str] | None = None) -> None:
    """End this process with SIGTERM, and if that is not enough with SIGKILL, when one of `processes` ends.

    If the system does not support this, one line on `report` (stderr by default) says so.
    """
    if not processes and _LINUX:
        return
    if not hasattr(os, "pidfd_open"):
        print(
            f"{sys.platform} does not tell a process that another died: after a kill -9, end left-over jobs by hand",
            file=report or sys.stderr,
        )
        return
    try:
        descriptors = [os.pidfd_open(pid) for pid in processes]
    except ProcessLookupError:
        os.kill(os.getpid(), signal.SIGKILL)
        raise
    threading.Thread(target=_watch, args=(descriptors,), name="follow", daemon=True).start()


def snakemake_ancestors() -> list[int]:
    """The ancestors of this process up to the outermost Snakemake, nearest first; none where there is no Snakemake."""
    chain = list(_ancestors())
    last = max((index for index, pid in enumerate(chain) if _is_snakemake(pid)), default=-1)
    return chain[: last + 1]


def _watch(descriptors: list[int]) -> None:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


def _ancestors() -> Iterator[int]:
    pid = os.getppid()
    while pid > 1:
        yield pid
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return
        # The name, in parentheses, may itself contain parentheses and blanks.
        pid = int(status.rpartition(")")[2].split()[1])


def _is_snakemake(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # `snakemake …`, `python /path/snakemake …` or `python -m snakemake …`; not a shell whose command names it.
    names = [word.rpartition(b"/")[2] for word in words[:4]]
    return names[0] == b"snakemake" or (names[0].startswith(b"python") and b"snakemake" in names[1:])
