"""A fresh copy of what a workflow run reads, and Snakemake to run in it."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plan_server
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("Snakefile", "profiles", "workflow", "config", "envs", "janus", "kernels")


def write_pyarrow(folder: Path, text: str) -> Path:
    """A folder with a package called pyarrow whose modules hold `text`."""
    (folder / "pyarrow").mkdir(parents=True, exist_ok=True)
    for name in ("__init__", "parquet"):
        (folder / "pyarrow" / f"{name}.py").write_text(text)
    return folder


Snakemake = Callable[..., subprocess.CompletedProcess[str]]


def copy_of_checkout(folder: Path) -> Path:
    """What Snakemake needs of the checkout, without results, so that a plan never depends on what was run before.

    Compiled modules are copied too: each copy would otherwise spend seconds on them.
    """
    for part in _PARTS:
        source = ROOT / part
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, folder / part, symlinks=True)
        else:
            shutil.copy(source, folder / part, follow_symlinks=False)
    return folder


def snakemake_in(folder: Path) -> Snakemake:
    """A function that runs snakemake in `folder`, or `below` it; returns status and both streams as stdout.

    Where pyarrow, which is optional, is not installed, plans find an empty package of that name, which reads nothing.
    `packages` is a folder of packages that stand before those that are installed.
    """

    def run(*words: str, below: str = "", packages: Path | None = None) -> subprocess.CompletedProcess[str]:
        if packages is None and importlib.util.find_spec("pyarrow") is None:
            # pandas looks at the version, and leaves one alone that is as old as this.
            packages = write_pyarrow(folder.with_name(f"{folder.name}-packages"), "__version__ = '0'\n")
        paths = filter(None, (packages, folder))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1"}
        if {"-n", "--dry-run"} & {*words}:
            return plan_server.plan(list(words), folder / below, environment)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *words],
            cwd=folder / below,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that tests read and plan in, and do not change."""
    return copy_of_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def snakemake(checkout: Path) -> Snakemake:
    """Snakemake in the copy that is not changed."""
    return snakemake_in(checkout)


@pytest.fixture(scope="session")
def counts_of() -> Callable[[str], dict[str, int]]:
    """The reader of Snakemake's table of jobs."""
    return job_counts


@pytest.fixture(scope="session")
def plan(snakemake: Snakemake) -> Callable[..., dict[str, int]]:
    """A function that dry-runs with the given words and returns the count of jobs by rule."""

    def counts(*words: str) -> dict[str, int]:
        done = snakemake("--dry-run", *words)
        assert done.returncode == 0, done.stdout
        return job_counts(done.stdout)

    return counts


def job_counts(output: str) -> dict[str, int]:
    """The table `Job stats` that a dry run prints, without its total; empty where there is nothing to do."""
    if "Job stats:" not in output:
        return {}
    lines = output.split("Job stats:")[1].splitlines()[3:]
    pairs = (line.split() for line in lines[: lines.index("")])
    return {rule: int(count) for rule, count in pairs if rule != "total"}


class Checkout:
    """A copy of the checkout that a test may change, with Snakemake in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.snakemake = snakemake_in(folder)

    def edit(self, name: str, change: Callable[[Any], None]) -> None:
        """Let `change` alter the content of a YAML file of the copy."""
        path = self.folder / name
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")

    def plan(self, *words: str) -> dict[str, int]:
        """Dry-run and return the count of jobs by rule."""
        done = self.snakemake("--dry-run", *words)
        assert done.returncode == 0, done.stdout
        return job_counts(done.stdout)

    def copy(self, folder: Path) -> "Checkout":
        """A copy with all that was made in it; times are kept, so that Snakemake finds nothing newer."""
        return Checkout(shutil.copytree(self.folder, folder, symlinks=True))


@pytest.fixture(scope="session")
def fresh_checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Checkout]:
    """A function that gives a new copy of the checkout."""
    return lambda: Checkout(copy_of_checkout(tmp_path_factory.mktemp("checkout")))


@pytest.fixture
def own(fresh_checkout: Callable[[], Checkout]) -> Checkout:
    """A copy of the checkout for one test."""
    return fresh_checkout()
