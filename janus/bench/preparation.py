"""Time and memory of the steps from a tokenised corpus to what fairseq trains on, at growing sizes."""

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from janus.bench.zipf import write_corpus
from janus.text.bpe import learn_and_apply

SIZES = (100_000, 500_000, 2_000_000)
MERGES = 40_000
_INTERVAL = 0.5


def measure_preparation(
    sizes: Sequence[int], progress: Callable[[], object], *, merges: int = MERGES, workers: int = 1
) -> list[dict[str, Any]]:
    """A row for each size in pairs of 22 words and each step: wall and processor seconds, bytes at the peak.

    The bytes are those of the step's process and its workers together, pages that they share counted once.
    """
    rows = []
    for pairs in sizes:
        with tempfile.TemporaryDirectory(prefix="janus-bench.") as folder:
            write_corpus(Path(folder), pairs, held_out=min(1000, pairs))
            for name, step in _STEPS.items():
                # A fresh process, which has not read what another step left in memory.
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
                    measured = executor.submit(_measure, step, Path(folder), merges, workers).result()
                rows.append({"pairs": pairs, "step": name, "workers": workers, **measured})
                progress()
    return rows


def _learn_and_apply(folder: Path, merges: int, workers: int) -> None:
    learn_and_apply(folder, merges=merges, workers=workers, progress=False)


def _binarise(folder: Path, merges: int, workers: int) -> None:
    # fairseq is no part of what learning the BPE takes.
    from janus.text.binarise import binarise

    binarise(folder / "bpe", folder / "bin", source="de", target="en", workers=workers)


_STEPS: dict[str, Callable[[Path, int, int], None]] = {"learn and apply BPE": _learn_and_apply, "binarise": _binarise}


def _measure(step: Callable[[Path, int, int], None], folder: Path, merges: int, workers: int) -> dict[str, float]:
    peak, done = [_memory(os.getpid())], threading.Event()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            peak[0] = max(peak[0], _memory(os.getpid()))

    watcher, began, used = threading.Thread(target=watch), time.perf_counter(), _processor_seconds()
    watcher.start()
    try:
        step(folder, merges, workers)
    finally:
        done.set()
        watcher.join()
    return {
        "seconds": time.perf_counter() - began,
        "processor_seconds": _processor_seconds() - used,
        "bytes": peak[0],
    }


def _processor_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _memory(pid: int) -> int:
    """Bytes of a process and all below it; a page that several share counts in parts (Linux's Pss)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        # It ended meanwhile.
        return 0
    own = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return own * 1024 + sum(_memory(int(child)) for child in children)
