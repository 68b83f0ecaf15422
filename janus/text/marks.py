"""Whether text is tokenised, as its punctuation and its apostrophes show."""

import re
from collections.abc import Sequence

# Latin, Chinese and Japanese (in both widths), Devanagari, Arabic and Urdu.
_MARKS = frozenset(".,!?;:" + "。，、！？；：．｡､" + "।॥" + "،؛؟۔")
# Marks that have a space before them in text as people write it, so that standing alone shows nothing.
_SPACED = {"fr": frozenset("!?;:")}
# Moses' escapes, as in &quot; and &apos;s.
_ESCAPE = re.compile(r"&[a-z#0-9]+;")
_LETTER = r"[^\W\d_]"
_JOINED = re.compile(f"{_LETTER}['’]{_LETTER}")
_SEPARATE = re.compile(f"'{_LETTER}*|{_LETTER}+'")
# The Penn treebank's tokens of "do n't".
_NOT = "n't"


def attached_marks(lines: Sequence[str], language: str = "en") -> tuple[int, int]:
    """The number of words that end in a mark of punctuation, and of marks that stand alone as tokens do."""
    words = [word for line in lines for word in _ESCAPE.sub("", line).split()]
    attached = sum(len(word) > 1 and word[-1] in _MARKS for word in words)
    return attached, sum(word in _MARKS - _SPACED.get(language, frozenset()) for word in words)


def tokenised_sides(sides: Sequence[Sequence[str]], language: str) -> list[bool]:
    """Whether each of the sides of a test set (outputs, references, a baseline's outputs) is tokenised.

    A side without marks and apostrophes shows nothing; it is taken to be tokenised unless another side is shown not to
    be, since only the same tokens on all sides can match.
    """
    shown = [_shown(side, language) for side in sides]
    return [False not in shown if one is None else one for one in shown]


def _shown(lines: Sequence[str], language: str) -> bool | None:
    """Whether lines are tokenised, by their marks or, without any, their apostrophes; None without either."""
    for joined, separate in (attached_marks(lines, language), _apostrophes(lines)):
        if joined or separate:
            return separate >= joined
    return None


def _apostrophes(lines: Sequence[str]) -> tuple[int, int]:
    """The number of words with an apostrophe between letters, and of tokens that begin or end with one."""
    words = [word for line in lines for word in line.replace("&apos;", "'").split()]
    separate = sum(word.lower() == _NOT or _SEPARATE.fullmatch(word) is not None for word in words)
    return sum(word.lower() != _NOT and _JOINED.search(word) is not None for word in words), separate
