"""One writer per folder: a lock that the kernel holds as long as a process that writes there is alive."""

import errno
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from janus.errors import InputError
from janus.files import parse_json

_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@contextmanager
def folder_lock(
    folder: Path, *, what: str = "training", wait: float = 30, terminal: IO[str] | None = None
) -> Iterator[int | None]:
    """Hold the lock on `folder` and yield its file descriptor; processes that inherit it hold the lock too.

    The lock is the file `<folder>.lock` next to it, locked with flock. It is released when the last process with the
    open descriptor ends, for whatever reason, so it is never stale. The file itself is kept. If there is another
    holder, the call waits up to `wait` seconds, enough for the last processes of a killed training to end, and then
    raises an InputError that names it as another `what`. If the file system has no locks, one line on `terminal`
    (stderr by default) says so, and None is yielded.
    """
    descriptor = hold_lock(folder, what=what, wait=wait, terminal=terminal)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def hold_lock(folder: Path, *, what: str, wait: float, terminal: IO[str] | None = None) -> int | None:
    """Take the lock of `folder_lock` until this process ends or the returned descriptor is closed."""
    path = Path(folder).with_name(f"{Path(folder).name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        locked = _acquire(descriptor, Path(folder), what, wait, terminal or sys.stderr)
    except BaseException:
        os.close(descriptor)
        raise
    if locked:
        _sign(descriptor)
        return descriptor
    os.close(descriptor)
    return None


def _acquire(descriptor: int, folder: Path, what: str, wait: float, terminal: IO[str]) -> bool:
    """Lock the file; returns whether the file system has locks. Raises InputError if another process keeps it."""
    deadline = time.monotonic() + wait
    said = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                lacks = f"this file system has no locks ({error.strerror})"
                print(f"{folder}: {lacks}; see that no second {what} writes here", file=terminal)
                return False
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
        if time.monotonic() >= deadline:
            raise InputError(
                f"another {what} is writing here ({_holder(descriptor)})",
                where=folder,
                fix="wait until it ends, or end that process, and run again",
            )
        if not said:
            print(f"{folder}: waits for another {what} to end ({_holder(descriptor)})", file=terminal)
            said = True
        time.sleep(0.2)


def _sign(descriptor: int) -> None:
    """Write the holder of the lock into the file, for error messages of others."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        holder = parse_json(os.pread(descriptor, 4096, 0).decode())
        return f"process {holder['pid']} or one that it started, on {holder['host']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        # Locked just now and not signed yet, or on a full disk.
        return "a process that has not written its name yet"
