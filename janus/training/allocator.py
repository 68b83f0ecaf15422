"""The allocator of memory in trainings on a processor: jemalloc where it is installed, otherwise glibc's own.

An update allocates and frees thousands of large tensors of ever new sizes. glibc maps new pages for each, or, told to
keep them on its heap, searches ever longer lists of free blocks, which took a fifth of the time of a small model after
300 updates. Results do not depend on the allocator.
"""

from __future__ import annotations

import ctypes.util
import sys
from pathlib import Path

# The heap instead of new pages, at a cost of some gigabytes with large vocabularies. Other C libraries ignore these.
_GLIBC = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "1073741824"}
# One arena, for large blocks too, which keeps what is freed for its usual ten seconds.
_JEMALLOC = {"MALLOC_CONF": "narenas:1,oversize_threshold:0"}


def jemalloc() -> str | None:
    """The library, in this Python's environment or where the system's linker finds it; None if there is none."""
    own = Path(sys.prefix) / "lib" / "libjemalloc.so.2"
    return str(own) if own.is_file() else ctypes.util.find_library("jemalloc")


def allocator(*, processor: bool) -> dict[str, str]:
    """The environment variables of a training process. processor: whether it trains there, not on a GPU."""
    library = jemalloc() if processor else None
    return _GLIBC if library is None else {"LD_PRELOAD": library, **_JEMALLOC}
