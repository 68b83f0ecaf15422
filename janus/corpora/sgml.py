"""Test sets in WMT's SGML: one segment a line."""

import html
import re
from collections.abc import Iterable, Iterator

_SEGMENT = re.compile(r"<seg id=\"[0-9]+\">\s*(.*?)\s*</seg>", re.IGNORECASE)


def segments(lines: Iterable[str]) -> Iterator[str]:
    """The text of each segment, in order, its character entities resolved."""
    for line in lines:
        if match := _SEGMENT.search(line):
            yield html.unescape(match[1])
