"""Transfer of one file from one address into a part file, resumed if it is still the same file."""

import re
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from janus.errors import InputError

_CHUNK = 1 << 18
_AGENT = {"User-Agent": "janus-corpora"}
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
# Statuses between 400 and 499 after which a retry may succeed.
_LATER = (408, 425, 429)
# A server that sends less within the timeout counts as silent.
_LEAST = 4096
# Files that are too large are fetched up to this size, for inspection.
_LOOK = 1 << 20


class Unreachable(Exception):
    """An address did not give the whole file; the next try (unless `final`) or address may."""

    def __init__(self, reason: str, *, final: bool):
        super().__init__(reason)
        self.final = final


class _Changed(Exception):
    """The server cannot resume the file."""


@dataclass(frozen=True)
class Part:
    """An incomplete file: `path`, and next to it the server's version of the file."""

    path: Path

    @property
    def size(self) -> int:
        """The number of bytes received."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def version(self) -> str | None:
        """The server's ETag or date of the file."""
        return self._mark.read_text(encoding="utf-8") if self._mark.exists() else None

    @property
    def _mark(self) -> Path:
        return self.path.with_name(f"{self.path.name}.version")

    def begin(self, version: str | None) -> IO[bytes]:
        """Start from the beginning; returns a stream to write to."""
        self._mark.unlink(missing_ok=True)
        if version is not None:
            self._mark.write_text(version, encoding="utf-8")
        return self.path.open("wb")

    def drop(self) -> None:
        """Remove it."""
        for path in (self.path, self._mark):
            path.unlink(missing_ok=True)


def transfer(
    address: str, part: Part, *, name: str, known: bool, size: int | None, timeout: float, progress: bool
) -> bool:
    """Download the file at an address into `part`; returns whether it was resumed instead of sent in one piece.

    It is resumed only if the server gives versions or the checksum is `known`; otherwise a mixture of two files would
    go unnoticed. `size` is the right size in bytes, if known. Raises Unreachable if the file is not complete: after an
    error, an interrupted transfer, a server that was silent for `timeout` seconds, or one that offers more than `size`;
    and InputError if the disk is full.
    """
    if part.size and part.version is None and not known:
        part.drop()
    try:
        return _attempt(address, part, name, size, timeout, progress)
    except _Changed:
        part.drop()
    try:
        return _attempt(address, part, name, size, timeout, progress)
    except _Changed:
        raise Unreachable("sends a part where the whole was asked for", final=True) from None


def _attempt(address: str, part: Part, name: str, size: int | None, timeout: float, progress: bool) -> bool:
    have = part.size
    headers = dict(_AGENT)
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": part.version} if part.version else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=timeout) as response:
            resumed = response.status == 206
            if resumed:
                _require_same(response.headers, part, have)
            total = _total(response.headers, have if resumed else 0)
            if size is not None and total is not None and total > max(size, _LOOK):
                raise Unreachable(f"offers {total:,} bytes, the manifest says {size:,}", final=True)
            start = have if resumed else 0
            bar = tqdm(desc=name, total=total or size, initial=start, unit="B", unit_scale=True, disable=not progress)
            with part.path.open("ab") if resumed else part.begin(_version(response.headers)) as stream, bar:
                _copy(response, stream, bar, part, limit=max(size, _LOOK) if size else None, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            return _whole_already(error.headers, have)
        raise Unreachable(_status(error), final=400 <= error.code < 500 and error.code not in _LATER) from error
    except urllib.error.URLError as error:
        raise Unreachable(str(error.reason), final=address.startswith("file:")) from error
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise Unreachable(str(error) or type(error).__name__, final=False) from error
    if total is not None and part.size < total:
        raise Unreachable(f"truncated, {part.size:,} of {total:,} bytes", final=False)
    return resumed


def _version(headers: HTTPMessage) -> str | None:
    """The version of a file for If-Range: a strong ETag, or else the date."""
    tag = headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def _require_same(headers: HTTPMessage, part: Part, have: int) -> None:
    place = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if (
        place is None
        or place[1] is None
        or int(place[1]) != have
        or (_version(headers) or part.version) != part.version
    ):
        raise _Changed


def _whole_already(headers: HTTPMessage, have: int) -> bool:
    """A range after the last byte is refused, even if the file is complete."""
    place = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if place is None or place[2] != str(have):
        raise _Changed
    return True


def _total(headers: HTTPMessage, offset: int) -> int | None:
    place = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if place is not None and place[2] != "*":
        return int(place[2])
    length = headers.get("Content-Length", "").strip()
    return offset + int(length) if length.isdecimal() else None


def _status(error: urllib.error.HTTPError) -> str:
    return f"HTTP {error.code} {str(error.reason).splitlines()[0] if error.reason else ''}".strip()


def _copy(response: Any, stream: IO[bytes], bar: tqdm, part: Part, *, limit: int | None, timeout: float) -> None:
    """Write the received data. Servers that send single bytes, each within the socket's timeout, must end too."""
    began, came = time.monotonic(), 0
    while chunk := response.read1(_CHUNK):
        _write(stream, chunk, part)
        bar.update(len(chunk))
        came += len(chunk)
        if limit is not None and stream.tell() > limit:
            raise Unreachable(f"sends more than the {limit:,} bytes that it may have", final=True)
        if time.monotonic() - began > timeout:
            if came < _LEAST:
                raise Unreachable(f"too slow, {came:,} bytes in {timeout:g} s", final=False)
            began, came = time.monotonic(), 0


def _write(stream: IO[bytes], chunk: bytes, part: Part) -> None:
    try:
        stream.write(chunk)
        stream.flush()
    except OSError as error:
        part.drop()
        free = shutil.disk_usage(part.path.parent).free
        raise InputError(
            f"cannot be written ({error.strerror}), {free:,} bytes free",
            where=part.path.parent,
            fix="free space or permissions, then run again",
        ) from error
