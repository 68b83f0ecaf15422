"""Test sets in WMT's SGML: one segment per line."""

import html
import re
from collections.abc import Iterable, Iterator

from janus.files import one_line

_SEGMENT = re.compile(r"<seg id=\"[0-9]+\">\s*(.*?)\s*</seg>", re.IGNORECASE)


def segments(lines: Iterable[str]) -> Iterator[str]:
    """The text of each segment, in order, with character entities resolved."""
    for line in lines:
        if match := _SEGMENT.search(line):
            # An entity may be a line break.
            yield one_line(html.unescape(match[1])).strip()
