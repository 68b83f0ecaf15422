"""What every script does around its one call: output to the log, a failure as one line, no life after Snakemake's."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def job(snakemake: Any, *, threads: int | None = None) -> Iterator[IO[str]]:
    """Run a script's body with stdout and stderr in the job's log; yields the terminal, for progress bars.

    Arithmetic uses `threads`, by default as many as the job has; heavy modules must be imported inside, since OpenMP
    reads the number when it is loaded. Bad input, a failed child and a full disk end the job with status 1 and one
    line, in the log and on the terminal. The job ends when the Snakemake that runs it does, however that ended. The
    seconds that it took are written beside its log, as a .tsv.
    """
    begun = time.monotonic()
    # Snakemake gives both the rule's number, and torch prefers the second.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads or snakemake.threads))
    _find_project()
    from janus.disk_errors import disk_errors_as_one_line
    from janus.display import Display
    from janus.errors import InputError, JobError
    from janus.files import write_lines
    from janus.training.tether import follow_snakemake
    from janus.training.threads import set_threads

    # The bar and the one line of an error hold names that a user gave; the terminal may be of any encoding.
    terminal = Display(os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace"))
    log = Path(snakemake.log[0])
    _redirect(log)
    set_threads()
    sys.stdout, sys.stderr = Display(sys.stdout), Display(sys.stderr)
    follow_snakemake()
    try:
        with disk_errors_as_one_line():
            yield terminal
            write_lines(log.with_suffix(".tsv"), ["s", f"{time.monotonic() - begun:.2f}"])
    except (InputError, JobError) as error:
        for stream in (sys.stderr, terminal):
            print(f"error: {error}", file=stream, flush=True)
        sys.exit(1)


def _find_project() -> None:
    """Let this process and its children import janus where a rule's own environment (envs/) does not hold it."""
    sys.path.append(str(_ROOT))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(_ROOT))))


def _redirect(log: Path) -> None:
    """Send the file descriptors 1 and 2, which subprocesses inherit, to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        stream.flush()
        os.dup2(descriptor, number)
    os.close(descriptor)
