"""Dictionaries in fairseq's format, and the names of special symbols.

A dictionary begins with four special symbols that are not in its file; a line of the file is `symbol count`. A word of
a text that has the name of a special symbol is never that symbol: encoders split it (`<unk>` becomes `<@@ unk>`), and
if it appears whole in a text of subwords it counts as an unknown word.
"""

from pathlib import Path

from janus.errors import InputError
from janus.files import iter_lines

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"
# The special symbols: those of fairseq, and the one that pre-training adds.
RESERVED = frozenset((*SPECIAL, MASK))
_OVERWRITE = " #fairseq:overwrite"


def read_dictionary(path: Path) -> list[str]:
    """The symbols of a dictionary file in order; the first has the index 4, after the special ones.

    As in fairseq, a symbol may be repeated if its line ends in `#fairseq:overwrite`; the last line counts. Raises
    InputError, with the line, if a line is not of the form `symbol count`, or repeats an earlier or special symbol.
    """
    symbols: list[str] = []
    known = set(SPECIAL)
    for number, line in enumerate(iter_lines(path), 1):
        entry = line.removesuffix(_OVERWRITE)
        symbol, _, count = entry.rpartition(" ")
        if not symbol or not count.isdecimal():
            raise InputError(
                f"{line[:40]!r} is not a symbol and a count", where=f"{path}:{number}", fix="give fairseq's dict.txt"
            )
        if symbol in known and entry == line:
            kind = "a special symbol" if symbol in SPECIAL else "there already"
            raise InputError(
                f"{symbol!r} is {kind}", where=f"{path}:{number}", fix="remove the line, or make the vocabulary again"
            )
        known.add(symbol)
        symbols.append(symbol)
    return symbols


def word_indices(symbols: list[str]) -> dict[str, int]:
    """The index of every word of a text, for the `symbols` of a dictionary file.

    >>> word_indices(["a", "<mask>", "b"])
    {'a': 4, 'b': 6}
    """
    return {symbol: index for index, symbol in enumerate(symbols, len(SPECIAL)) if symbol not in RESERVED}
