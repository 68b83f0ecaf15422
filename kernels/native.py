"""Compiles the C++ operators on first use, for the CPU of this machine.

Compiled libraries are cached in `JANUS_CACHE`, else in `janus-suite` below `XDG_CACHE_HOME` or `~/.cache`. The file
name contains a hash of the source, the compiler and the processor, so cluster nodes that share a home folder do not
share machine code. The only requirement is a C++ compiler, which building fairseq needs as well.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

_HEADERS = Path(__file__).parent
# -Wno-psabi: without AVX-512, GCC warns about the calling convention of functions on 64-byte vectors. They are all
# internal to a library.
_FLAGS = ("-O3", "-march=native", "-fopenmp", "-std=c++17", "-shared", "-fPIC", "-Wno-psabi")
# The dtypes that the C++ operators support.
TYPES = (torch.float32, torch.bfloat16)


@cache
def library(source: Path) -> ctypes.CDLL:
    """Compile and load a C++ source. Raises RuntimeError with the compiler's output on failure."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or "c++"
    name = f"{source.stem}-{_key(source, compiler)}.so"
    path = _cache_folder() / name
    if not path.is_file():
        _say_what_takes_long(path.parent)
        _compile(source, compiler, path)
    return ctypes.CDLL(str(path))


def address(x: Tensor) -> ctypes.c_void_p:
    """The address of a contiguous tensor's data."""
    return ctypes.c_void_p(x.data_ptr())


def _key(source: Path, compiler: str) -> str:
    digest = hashlib.sha256(" ".join((compiler, *_FLAGS, _processor())).encode())
    for file in (source, *sorted(_HEADERS.glob("*.h"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """The properties of the CPU that determine what -march=native generates."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features"))))
    return platform.platform() + platform.processor()


def _cache_folder() -> Path:
    """The first writable candidate, otherwise a temporary folder of this process."""
    configured = os.environ.get("JANUS_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for folder in map(Path, filter(None, (configured, os.path.join(home, "janus-suite")))):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return _own_folder()


@cache
def _own_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="janus-suite-"))


@cache
def _say_what_takes_long(folder: Path) -> None:
    """One line on stderr, however many libraries this process compiles."""
    print(
        f"compiling C++ operators for this processor, up to a minute; they are kept in {folder}",
        file=sys.stderr,
        flush=True,
    )


def _compile(source: Path, compiler: str, path: Path) -> None:
    """Compile to a temporary file and rename it, so that concurrent processes never load an incomplete library."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        partial = Path(folder, path.name)
        command = [compiler, *_FLAGS, f"-I{_HEADERS}", str(source), "-o", str(partial)]
        try:
            result = subprocess.run(command, capture_output=True, text=True, errors="replace")
        except OSError as error:
            raise RuntimeError(f"{compiler}: {error.strerror}; install a C++ compiler, or name one in CXX") from error
        if result.returncode:
            message = result.stderr.strip()[-2000:]
            raise RuntimeError(f"{' '.join(command)} ended with status {result.returncode}: {message}")
        os.replace(partial, path)
