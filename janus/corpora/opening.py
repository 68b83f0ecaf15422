"""Text files as they come: plain or compressed with gzip, bzip2 or xz, told by the ending of the name."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from janus.errors import InputError

_OPENERS: dict[str, Callable[..., IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error)


def stem(path: Path) -> Path:
    """The path without the ending of a compression.

    >>> stem(Path("train.src.xz")).name
    'train.src'
    """
    path = Path(path)
    return path.with_suffix("") if path.suffix in _OPENERS else path


def open_bytes(path: Path) -> IO[bytes]:
    """The decompressed bytes of a file, as a stream. Raises InputError where there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", where=path, mend="fetch it first, or correct the path")
    return _OPENERS.get(path.suffix, open)(path, "rb")


def read_text(path: Path) -> str:
    """The whole text of a small file. Raises InputError where it is missing, damaged or not UTF-8."""
    return "".join(line + "\n" for line in read_lines(path))


def read_lines(path: Path) -> Iterator[str]:
    """Stream the lines of a file, split at newlines alone.

    Raises InputError where it is missing, damaged or, with the line's number, not UTF-8.
    """
    with open_bytes(path) as stream:
        yield from decoded(stream, path)


def decoded(stream: IO[bytes], where: object) -> Iterator[str]:
    """The lines of a byte stream, which the errors call `where`. Raises InputError as `read_lines` does."""
    lines = enumerate(_sound(io.BufferedReader(_Raw(stream)), where), 1)
    for number, line in lines:
        try:
            yield line.decode("utf-8").rstrip("\n").rstrip("\r")
        except UnicodeDecodeError as error:
            raise InputError("not UTF-8", where=f"{where}:{number}", mend="convert the file with iconv") from error


def _sound(stream: Iterator[bytes], where: object) -> Iterator[bytes]:
    try:
        yield from stream
    except _BROKEN as error:
        raise InputError(f"damaged ({error})", where=where, mend="remove it and fetch it again") from error


class _Raw(io.RawIOBase):
    """A stream of large reads: the members of archives read a line at a time are slow."""

    def __init__(self, stream: IO[bytes]):
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
