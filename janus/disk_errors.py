"""One-line errors for a full disk, an exhausted quota or a file-size limit."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from janus.errors import JobError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def disk_errors_as_one_line() -> Iterator[None]:
    """Turn an OSError of the block that reports missing space into a JobError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise JobError(
            f"cannot be written ({error.strerror})",
            where=error.filename or "a file of this job",
            fix="free space, then run again",
        ) from error
