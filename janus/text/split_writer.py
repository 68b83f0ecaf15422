"""The files of a prepared corpus, written together and published at once."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO

from janus.errors import InputError
from janus.fetching.manifest import SPLITS
from janus.files import atomic_writer, one_line
from janus.text.clean import Pair


class SplitWriter:
    """Write `tok/{train,valid,test}.<lang>` and `raw/test.<lang>` below a folder.

    A context manager; the files appear under their names only when its block ends without an exception. Here the text
    gets the form that all later readers expect: in tok/ the tokens of a line are separated by single spaces, whatever
    white space separated them before (no-break spaces, tabs, line breaks); in raw/ each line break inside a line
    becomes a space. `respaced` counts the changed lines of each file.
    """

    def __init__(self, folder: Path, source: str, target: str):
        self.folder, self.languages = Path(folder), (source, target)
        self.lines: Counter[str] = Counter()
        self.respaced: Counter[str] = Counter()
        self._stack = ExitStack()
        self._streams: dict[tuple[str, str], IO[str]] = {}

    def __enter__(self) -> "SplitWriter":
        with ExitStack() as stack:
            for split in (*(f"tok/{name}" for name in SPLITS), "raw/test"):
                for language in self.languages:
                    path = self.folder / f"{split}.{language}"
                    self._streams[split, language] = stack.enter_context(atomic_writer(path))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack.pop_all():
            if error is not None:
                raise error
            # All or none: buffers must be flushed to the disk before the first file gets its name.
            for (split, language), stream in self._streams.items():
                self._guarded(stream.flush, split, language)

    def tokenised(self, split: str, pairs: Iterable[Pair]) -> None:
        """Append tokenised pairs to a split. Raises InputError for an empty line of any origin."""
        self._write(f"tok/{split}", pairs, _single_spaced)

    def raw_test(self, pairs: Iterable[Pair]) -> None:
        """Append untokenised test pairs, aligned with those of the tokenised test set."""
        self._write("raw/test", pairs, one_line)

    def _write(self, split: str, pairs: Iterable[Pair], form: Callable[[str], str]) -> None:
        for pair in pairs:
            self.lines[split] += 1
            for language, text in zip(self.languages, pair):
                line = form(text)
                if line != text:
                    self.respaced[f"{split}.{language}"] += 1
                if not line.strip():
                    raise InputError(
                        "empty line after preparation",
                        where=f"{self.folder / split}.{language}:{self.lines[split]}",
                        fix="fill the line in the download or remove it from both sides",
                    )
                stream = self._streams[split, language]
                self._guarded(partial(stream.write, line + "\n"), split, language)

    def _guarded(self, action: Callable[[], object], split: str, language: str) -> None:
        try:
            action()
        except OSError as error:
            raise InputError(
                f"cannot be written ({error.strerror})",
                where=f"{self.folder / split}.{language}",
                fix="free space or permissions, then run again",
            ) from error


def _single_spaced(line: str) -> str:
    return " ".join(line.split())
