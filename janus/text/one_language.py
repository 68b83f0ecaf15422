"""Sources and targets in one language: the form of their text, and the removal of unsuitable pairs."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from janus.text.clean import Pair
from janus.text.tokenise import lowercase, tokenise

# GLGE writes `answer [SEP] passage`; its readers split at this mark.
SEPARATOR = "[SEP]"
_SPACES = re.compile(r"\s+")
_ESCAPES = (
    ("&apos;", "'"),
    ("&quot;", '"'),
    ("&#91;", "["),
    ("&#93;", "]"),
    ("&#124;", "|"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&amp;", "&"),
)


def joined(parts: Iterable[str]) -> str:
    """Parts of a source in GLGE's form.

    >>> joined(["paris", "the capital is paris ."])
    'paris [SEP] the capital is paris .'
    """
    return f" {SEPARATOR} ".join(parts)


def parts_of(source: str) -> list[str]:
    """The inverse of `joined`."""
    return [part.strip() for part in source.split(SEPARATOR)]


def tidy(line: str) -> str:
    """The line with each run of white space replaced by one space."""
    return _SPACES.sub(" ", line).strip()


def tokenised(line: str) -> str:
    """English text in GLGE's form: Moses tokens without escapes, lower-cased.

    >>> tokenised('He said: "It\\'s [1] & 2."')
    'he said : " it \\'s [ 1 ] & 2 . "'
    """
    text = tokenise(tidy(line), "en")
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return lowercase(text)


def tokenised_parts(line: str) -> str:
    """`tokenised` text whose separators stay as they are.

    >>> tokenised_parts("Paris [SEP] It is the capital.")
    'paris [SEP] it is the capital .'
    """
    return joined(map(tokenised, parts_of(line)))


class Sieve:
    """Removes training pairs with an empty side, and counts them."""

    def __init__(self) -> None:
        self.removed: Counter[str] = Counter()
        self.kept = 0

    def __call__(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """The remaining pairs."""
        for source, target in pairs:
            if source.strip() and target.strip():
                self.kept += 1
                yield source, target
            else:
                self.removed["empty source" if not source.strip() else "empty target"] += 1

    def report(self) -> dict[str, object]:
        """Counts for cleaning.json."""
        return {"kept": self.kept, "removed": dict(sorted(self.removed.items()))}
