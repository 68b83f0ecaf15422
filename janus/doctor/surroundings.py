"""What every tier needs of a machine: Python, packages, a compiler, folders to write to; and what is of use."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from janus.doctor.findings import Finding
from janus.training.allocator import jemalloc

_PACKAGE = "janus-suite"
_INSTALL = "run `make paper_tables`, which sets up .venv, or `pip install -r requirements.lock`"
_PROGRAM = "#include <vector>\nint main() { return std::vector<int>{0}[0]; }\n"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")
_SLURM = ("sbatch", "squeue", "sinfo", "sacct")
# Bytes that a folder must take: less than a job's temporary files, more than an inode.
_TRIAL = 1 << 20
_LEAST_SPACE = 2 * 2**30


def surroundings() -> Iterator[Finding]:
    """The findings about the machine."""
    yield from _packages()
    yield from _folders()
    yield _compiler()
    yield _allocator()
    yield from _slurm()
    yield _browser()


def _packages() -> Iterator[Finding]:
    try:
        installed = distribution(_PACKAGE)
    except PackageNotFoundError:
        yield Finding("missing", _PACKAGE, "is not installed", _INSTALL)
        return
    wanted = installed.metadata["Requires-Python"]
    found = platform.python_version()
    if found in SpecifierSet(wanted):
        yield Finding("ok", "Python", found)
    else:
        yield Finding("missing", "Python", f"{found}, needed is {wanted}", "set PYTHON=python3.11 and run make")
    wrong = [said for text in installed.requires or () if (said := _complaint(Requirement(text)))]
    if wrong:
        yield Finding("missing", "packages", ", ".join(wrong), _INSTALL)
    else:
        yield Finding("ok", "packages", f"all that {_PACKAGE} {installed.version} needs")


def _complaint(needed: Requirement) -> str:
    if needed.marker and not needed.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return f"no {needed.name}"
    return (
        "" if needed.specifier.contains(found, prereleases=True) else f"{needed.name} {found}, not {needed.specifier}"
    )


def _compiler() -> Finding:
    """Whether the compiler that `kernels.native` takes makes a program, with OpenMP as there."""
    named = os.environ.get("CXX") or "c++"
    program = shutil.which(named) or ("" if "CXX" in os.environ else shutil.which("g++"))
    fix = "apt-get install g++, or set CXX"
    if not program:
        return Finding("missing", "C++ compiler", f"no {named} on the PATH", fix)
    command = [program, "-x", "c++", "-std=c++17", "-fopenmp", "-o", os.devnull, "-"]
    try:
        done = subprocess.run(command, input=_PROGRAM, capture_output=True, text=True, check=False)
    except OSError as error:
        return Finding("missing", "C++ compiler", f"{program} cannot be run ({error.strerror})", fix)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no output"]
        cause = next((line for line in said if "error" in line), said[-1])
        return Finding("missing", "C++ compiler", f"{program} fails ({cause})", fix)
    return Finding("ok", "C++ compiler", program)


def _allocator() -> Finding:
    """Which allocator trainings on the processor have."""
    if library := jemalloc():
        return Finding("ok", "allocator", f"jemalloc ({library})")
    said = "no jemalloc; trainings on the processor are up to a fifth slower"
    return Finding("warning", "allocator", said, "apt-get install libjemalloc2")


def _folders() -> Iterator[Finding]:
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    yield _folder("caches", home, "set HOME or XDG_CACHE_HOME to a folder that can be written to")
    fix = "set TMPDIR to a folder that can be written to and has space"
    try:
        # Python would silently take another one for a TMPDIR that is full.
        yield _folder("temporary files", Path(os.environ.get("TMPDIR") or tempfile.gettempdir()), fix)
    except FileNotFoundError:
        yield Finding("missing", "temporary files", "no folder can be written to, or all are full", fix)
    here = Path.cwd()
    yield _folder("working folder", here, "run elsewhere: snakemake --directory FOLDER")
    free = shutil.disk_usage(here).free
    said, fix = f"{free / 2**30:.1f} GiB free in {here}", "`janus plan` says what the tier needs"
    yield Finding("warning", "disk", said, fix) if free < _LEAST_SPACE else Finding("ok", "disk", said)


def _folder(what: str, folder: Path, fix: str) -> Finding:
    """Whether a file can be written in a folder, or in one that is made there."""
    above = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=above) as stream:
            stream.write(bytes(_TRIAL))
            stream.flush()
    except OSError as error:
        return Finding("missing", what, f"{folder} cannot be written to ({error.strerror})", fix)
    return Finding("ok", what, str(folder))


def _slurm() -> Iterator[Finding]:
    """Where there is Slurm: whether Snakemake can use it."""
    found = [name for name in _SLURM if shutil.which(name)]
    if not found:
        return
    if lacking := [name for name in _SLURM if name not in found]:
        fix = "load your site's Slurm, or set `slurm-status-command: squeue` in a profile if only sacct is missing"
        yield Finding("warning", "Slurm", f"no {', '.join(lacking)} on the PATH", fix)
        return
    try:
        yield Finding(
            "ok", "Slurm", f"with snakemake-executor-plugin-slurm {version('snakemake-executor-plugin-slurm')}"
        )
    except PackageNotFoundError:
        fix = "pip install 'snakemake-executor-plugin-slurm>=2.8,<3'"
        yield Finding("warning", "Slurm", "Snakemake's plugin for it is not installed", fix)


def _browser() -> Finding:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found:
        return Finding("ok", "browser", found)
    return Finding(
        "warning", "browser", "none here; HTML tables and reports open elsewhere", "apt-get install chromium"
    )
