"""How much memory a piece of work takes at most, and what the C library does with memory that is freed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch

from janus.errors import InputError
from janus.files import iter_lines

# Loaded once by the server that starts the measured processes.
_LIBRARIES = ["janus.bench.systems", "janus.bench.loss"]
# Numbers of glibc's mallopt parameters. Their values: those training sets, and those glibc itself arrives at.
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
_KEEP = {_MMAP_THRESHOLD: 1 << 30, _TRIM_THRESHOLD: 1 << 30}
_GIVE_BACK = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}


def return_freed_memory() -> None:
    """Hand freed memory back to the system now, so that the next piece of work starts from none (glibc)."""
    ctypes.CDLL(None).malloc_trim(0)


def keep_freed_memory(keep: bool) -> None:
    """Let large freed blocks stay with the process, as `janus.training.run` does, or go back at once (glibc).

    Raises InputError where the C library is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    limits = _KEEP if keep else _GIVE_BACK
    if mallopt is None or not all(mallopt(parameter, size) for parameter, size in limits.items()):
        raise InputError(
            "memory cannot be retained", where="the C library", fix="run the benchmark where glibc is used"
        )


def peak_of(function: Callable[..., object], *arguments: Any, device: str) -> int:
    """Bytes at the peak while a fresh process runs function(*arguments): resident, or allocated on the GPU.

    The function and its arguments must be picklable. On a processor Python and its libraries are counted too.
    """
    # A GPU wants processes that share nothing with one that has already used it.
    context = get_context("spawn" if device.startswith("cuda") else "forkserver")
    context.set_forkserver_preload(_LIBRARIES)
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(_measure, function, arguments, device, torch.get_num_threads()).result()


def _measure(function: Callable[..., object], arguments: tuple, device: str, threads: int) -> int:
    torch.set_num_threads(threads)
    function(*arguments)
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    # Unlike getrusage's, this peak is the process's own and not inherited from the one that started it.
    [line] = [line for line in iter_lines("/proc/self/status") if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
