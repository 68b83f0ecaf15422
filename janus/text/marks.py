"""Whether text is tokenised, as its punctuation shows."""

import re
from collections.abc import Sequence

_MARKS = ".,!?;:"
# Moses' escapes, as in &quot; and &apos;s.
_ESCAPE = re.compile(r"&[a-z#0-9]+;")


def attached_marks(lines: Sequence[str]) -> tuple[int, int]:
    """The number of words that end in a mark of punctuation, and of marks that stand alone."""
    words = [word for line in lines for word in _ESCAPE.sub("", line).split()]
    attached = sum(len(word) > 1 and word[-1] in _MARKS for word in words)
    return attached, sum(word in _MARKS for word in words)
