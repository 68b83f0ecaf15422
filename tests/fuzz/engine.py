"""Give a reader files with faults: each must be read, or end in one of our own one-line errors.

The files are those of `faults.py`, made from valid ones. A reader fails where it raises anything else, where it runs
something that a file names, where its message is not one line for each problem, or where an input takes more than ten
seconds of the processor.
"""

import io
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz.faults import faulty_checkpoint, faulty_document, faulty_lines, saved
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from janus.errors import InputError, InputErrors, JobError

# Seconds of the processor for one input.
LONGEST = 10


@dataclass(frozen=True)
class Reader:
    """Something that is read: `read` is given the path of a file of this name, in a folder of its own.

    kind: of its faults (json, yaml, lines, checkpoint). valid: makes the whole files, or of checkpoints the contents,
    that the faulty ones are made from. share: of all inputs, relative to the other readers.
    """

    name: str
    file: str
    kind: str
    valid: Callable[[], Sequence[Any]]
    read: Callable[[Path], object]
    share: float = 1.0

    def faulty(self) -> st.SearchStrategy[bytes]:
        """Draws of files with faults."""
        if self.kind == "checkpoint":
            return faulty_checkpoint(self.valid())
        return faulty_lines(self.valid()) if self.kind == "lines" else faulty_document(self.valid(), self.kind)

    def whole(self) -> list[bytes]:
        """The files without a fault."""
        return [saved(content) if self.kind == "checkpoint" else content for content in self.valid()]

    def read_bytes(self, content: bytes, folder: Path) -> None:
        """Read a file of this content, silently, within the deadline. Raises what the reader raises."""
        (folder / self.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / self.file).write_bytes(content)
        silence = io.StringIO()
        with deadline(LONGEST), redirect_stderr(silence), redirect_stdout(silence):
            self.read(folder / self.file)


class Hang(BaseException):
    """An input that takes too long."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise Hang in the block once it has used so much time of the processor, whatever else the machine does."""

    def give_up(number: int, frame: object) -> None:
        raise Hang(f"more than {seconds} s of the processor")

    old = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)


def check_message(error: InputError | JobError) -> None:
    problems = len(error.problems) if isinstance(error, InputErrors) else 1
    assert len(str(error).splitlines()) == problems, f"not one line for each problem: {error!s:.500}"


def all_of(*calls: Callable[[], object]) -> None:
    """Each call, whose own errors do not keep the next from being made; the first of them is raised after the last."""
    errors = []
    for call in calls:
        try:
            call()
        except InputError as error:
            check_message(error)
            errors.append(error)
    if errors:
        raise errors[0]


def fuzz(reader: Reader, inputs: int, number: int) -> dict[str, int]:
    """Give a reader so many files; how many it read and how many it refused. number: the seed of the draws.

    Raises what the reader raised for the smallest file with which it fails.
    """
    counts = {"read": 0, "refused": 0}

    with tempfile.TemporaryDirectory(prefix="fuzz.") as temporary:

        @seed(number)
        @settings(
            max_examples=inputs,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(content=reader.faulty())
        def once(content: bytes) -> None:
            folder = Path(tempfile.mkdtemp(dir=temporary))
            try:
                reader.read_bytes(content, folder)
                counts["read"] += 1
            except (InputError, JobError) as error:
                check_message(error)
                counts["refused"] += 1
            finally:
                shutil.rmtree(folder)

        once()
    return counts
