"""What every script does around its one call: output to the log, bad input as one line."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run a script's body with stdout and stderr in the job's log and as many threads as the job has.

    An InputError ends the job with status 1 and its one line, in the log and on the terminal. Heavy modules must be
    imported inside, since OpenMP reads its thread count when it is loaded.
    """
    # Where a rule runs in an environment of its own (envs/), this project is not installed.
    sys.path.append(str(_ROOT))
    os.environ["OMP_NUM_THREADS"] = str(snakemake.threads)
    terminal = os.fdopen(os.dup(2), "w")
    _redirect(Path(snakemake.log[0]))
    from janus.errors import InputError

    try:
        yield
    except InputError as error:
        for stream in (sys.stderr, terminal):
            print(f"error: {error}", file=stream, flush=True)
        sys.exit(1)


def _redirect(log: Path) -> None:
    """Send the file descriptors 1 and 2, which subprocesses inherit, to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        stream.flush()
        os.dup2(descriptor, number)
    os.close(descriptor)
