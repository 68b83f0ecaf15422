"""Common steps of the one-language recipes: read line-aligned files, clean training pairs, write the splits."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from janus.errors import InputError
from janus.fetching.opening import read_lines
from janus.text.clean import Pair, require_text
from janus.text.one_language import Sieve
from janus.text.split_writer import SplitWriter


def aligned(*files: Path) -> Iterator[tuple[str, ...]]:
    """Stream the rows of line-aligned files, compressed or not.

    Raises InputError naming the line where one file ends before another.
    """
    for number, row in enumerate(itertools.zip_longest(*map(read_lines, files)), 1):
        if None in row:
            raise InputError(
                f"the file ends here, {files[[line is not None for line in row].index(True)]} goes on",
                where=f"{files[row.index(None)]}:{number}",
                fix="fetch all files of the corpus again",
            )
        yield row


def write_split(
    out: SplitWriter, split: str, raw: Iterable[Pair], files: tuple[Path, Path], form: Callable[[str], str]
) -> dict[str, object] | None:
    """Write one split of raw pairs from `files`; `form` converts each line of tok/.

    Training pairs pass through a sieve, whose report is returned. Raises InputError at an empty line of valid or test.
    """
    if split == "train":
        sieve = Sieve()
        out.tokenised(split, ((form(source), form(target)) for source, target in sieve(raw)))
        return sieve.report()
    for pair in require_text(raw, *files):
        out.tokenised(split, [(form(pair[0]), form(pair[1]))])
        if split == "test":
            out.raw_test([pair])
    return None
