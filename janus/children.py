"""Child processes: the environment that all of them get, and the report of one that fails."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from janus.errors import InputError

# Variables that are not listed here are not passed on: no locale, JAVA_TOOL_OPTIONS, MPLBACKEND, GIT_DIR, PERL5LIB, or
# rank of a surrounding torchrun reaches a child.
_KEPT = (
    # Paths of programs, libraries, the home folder, temporary files and caches.
    "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONNOUSERSITE", "VIRTUAL_ENV", "CONDA_PREFIX",
    "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR",
    "TORCH_HOME", "TORCH_EXTENSIONS_DIR",
    # Compilers of kernels, for torch and Triton.
    "CC", "CXX",
    # Proxies and certificates.
    *("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"),
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    # torch's allocator of GPU memory.
    "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF",
)  # fmt: skip
# The devices, cores and network that a scheduler gave to the job, and their use: GPUs and links between them
# (CUDA, cuBLAS, NCCL, Gloo), threads (OpenMP, MKL, OpenBLAS), the batch system, the C library's heap, kernel caches.
_KEPT_FAMILIES = (
    "CUDA_", "CUBLAS_", "HIP_", "ROCR_", "NCCL_", "TORCH_NCCL_", "GLOO_", "UCX_", "FI_",
    "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_",
    "SLURM_", "MALLOC_", "TRITON_", "TORCHINDUCTOR_",
)  # fmt: skip
# Set in every child, and in the process that starts jobs, so that their interpreters start with it.
FIXED = {
    # Decimal points, English messages, UTF-8: in Java, Perl, git and Python.
    "LC_ALL": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
    # The order of a set of strings, the same in every run.
    "PYTHONHASHSEED": "0",
    # A log is complete up to the moment that its writer dies.
    "PYTHONUNBUFFERED": "1",
    # Children have no display.
    "MPLBACKEND": "agg",
}
_LINES, _LENGTH = 3, 400
# Frames of stack traces of Java and Python, which are left out of error messages.
_FRAME = re.compile(r"\s*(at [\w.$/<>]+\(|File \"|\.\.\. \d+ more|\^+$|~*\^)")


def environment(*families: str, **more: str) -> dict[str, str]:
    """The environment of a child process, which does not depend on the caller's locale or on options of its tools.

    Variables for paths, devices, threads and the network are passed on from the caller, and so are those that begin
    with one of `families`, for programs that the user configures (`PIP_`). `more` is added and takes precedence.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith((*_KEPT_FAMILIES, *families))
    }
    return kept | FIXED | more


def run(
    command: Sequence[str], *, where: object, fix: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run `command` to its end in `environment()`, or `env`; returns its standard output.

    Raises InputError, with the end of the child's output, if it cannot be started or fails.
    """
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=env or environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise InputError(f"{command[0]} cannot be started ({error.strerror})", where=where, fix=fix) from error
    if done.returncode:
        raise failure(Path(command[0]).name, done.returncode, done.stderr or done.stdout, where=where, fix=fix)
    return done.stdout


def failure(program: str, status: int, said: str, *, where: object, fix: str) -> InputError:
    """The error for a child that ended with `status` (a signal if negative) and the output `said`."""
    return InputError(f"{program} ended with status {status} ({last_words(said)})", where=where, fix=fix)


def last_words(said: str) -> str:
    """The end of a child's output on one line, without frames of stack traces; it usually names the cause."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip() and not _FRAME.match(line)]
    return " | ".join(lines[-_LINES:])[-_LENGTH:] or "no output"
