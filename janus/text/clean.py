"""Cleaning of parallel text: removal of unsuitable training pairs, and checks of files."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from janus.errors import InputError
from janus.fetching.opening import read_lines

Pair = tuple[str, str]
_SPACES = re.compile(r"\s+")
_MAX_WORD = 1000


class Cleaner:
    """Moses' clean-corpus-n for one training set, with counts of removed pairs by reason.

    A pair is removed if a side is empty, has fewer than `shortest` or more than `longest` tokens or a word of over
    1,000 characters, or if one side has more than `ratio` times the tokens of the other. As in Moses, `|` is deleted
    unless the first line contains one (the text then counts as factored).
    """

    def __init__(self, *, ratio: float = 9.0, shortest: int = 1, longest: int = 80):
        self.ratio, self.shortest, self.longest = ratio, shortest, longest
        self.removed: Counter[str] = Counter()
        self.kept = 0

    def __call__(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """The remaining pairs, with white space collapsed."""
        factored = None
        for source, target in pairs:
            if factored is None:
                factored = "|" in source or "|" in target
            source, target = _tidy(source, factored), _tidy(target, factored)
            reason = self._reason(source, target)
            if reason:
                self.removed[reason] += 1
            else:
                self.kept += 1
                yield source, target

    def _reason(self, source: str, target: str) -> str | None:
        if not source or not target:
            return "empty"
        counts = (source.count(" ") + 1, target.count(" ") + 1)
        if max(counts) > self.longest:
            return "too long"
        if min(counts) < self.shortest:
            return "too short"
        if max(counts) / min(counts) > self.ratio:
            return "length ratio"
        if max(map(len, (source + " " + target).split(" "))) > _MAX_WORD:
            return "word too long"
        return None

    def report(self) -> dict[str, object]:
        """Settings and counts for cleaning.json."""
        return {
            "ratio": self.ratio,
            "shortest": self.shortest,
            "longest": self.longest,
            "kept": self.kept,
            "removed": dict(sorted(self.removed.items())),
        }


def _tidy(line: str, factored: bool) -> str:
    return _SPACES.sub(" ", line if factored else line.replace("|", "")).strip(" ")


def read_pairs(
    source: Path, target: Path, *, select: Callable[[Iterable[str]], Iterable[str]] = iter
) -> Iterator[Pair]:
    """Stream the pairs of two line-aligned files; `select` extracts the text from files with mark-up.

    Raises InputError, with the line among those selected, if one file ends before the other, and with the line of the
    file if it is not UTF-8.
    """
    pairs = itertools.zip_longest(select(read_lines(source)), select(read_lines(target)))
    for number, (left, right) in enumerate(pairs, 1):
        if left is None or right is None:
            short, long = (source, target) if left is None else (target, source)
            raise InputError(
                f"the file ends here, {long} goes on", where=f"{short}:{number}", fix="give both files the same lines"
            )
        yield left, right


def require_text(pairs: Iterable[Pair], source: Path, target: Path) -> Iterator[Pair]:
    """Yield the pairs; raise InputError at an empty line, which must not be dropped in valid or test."""
    for number, pair in enumerate(pairs, 1):
        for line, path in zip(pair, (source, target)):
            if not line.strip():
                raise InputError("empty line", where=f"{path}:{number}", fix="fill it or remove it from both sides")
        yield pair
