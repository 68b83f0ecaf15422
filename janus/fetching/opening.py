"""Text files, plain or compressed with gzip, bzip2 or xz, as determined by the ending of the name."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from janus.errors import InputError
from janus.files import decode_lines, require_file

_OPENERS: dict[str, Callable[..., IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_MAGIC: dict[bytes, Callable[..., IO[bytes]]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_CHUNK = 1 << 20
# Text shrinks to a fifth, and the most monotonous to a fiftieth. What grows more than this, beyond the size that any
# small file may have, was made to fill a disk or to keep a reader busy.
_MOST_GROWTH, _ALWAYS_ALLOWED = 200, 256 << 20
# The exceptions of readers of compressed files and archives for damaged or invalid files.
BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, tarfile.TarError, zipfile.BadZipFile, RuntimeError)


class Growth:
    """The limit of what may come out of one file; several streams of an archive count together."""

    def __init__(self, path: Path):
        self.left = max(_ALWAYS_ALLOWED, _MOST_GROWTH * Path(path).stat().st_size)

    def limit(self, stream: IO[bytes]) -> IO[bytes]:
        """`stream`, whose `read` raises an exception in `BROKEN` once the limit is passed."""
        return cast(IO[bytes], _Limited(stream, self))


class _Limited:
    def __init__(self, stream: IO[bytes], growth: Growth):
        self._stream, self._growth = stream, growth

    def read(self, size: int = -1) -> bytes:
        most = self._growth.left + 1
        data = self._stream.read(most if size < 0 else min(size, most))
        self._growth.left -= len(data)
        if self._growth.left < 0:
            raise RuntimeError(f"it grows to more than {_MOST_GROWTH} times its size")
        return data

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> "_Limited":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def is_plain(member: tarfile.TarInfo) -> bool:
    """Whether a member of a tar is a file with content of its own: no link or device, and without holes to grow in."""
    return member.isfile() and not member.issparse()


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
    require_file(path, fix="fetch it first, or correct the path")
    opener = _OPENERS.get(path.suffix)
    return Growth(path).limit(opener(path, "rb")) if opener else open(path, "rb")


@contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """A tar archive as a stream, with any compression; data after its members is read when the block ends normally.

    It contains the checksum of the compression, which a reader of members never reaches. Raises the exceptions in
    `BROKEN` if the archive is damaged or invalid.
    """
    with open(path, "rb") as stream:
        head = stream.read(max(map(len, _MAGIC)))
    opener = next((found for magic, found in _MAGIC.items() if head.startswith(magic)), open)
    with Growth(path).limit(opener(path, "rb")) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            yield tar
        while stream.read(_CHUNK):
            pass


def read_text(path: Path) -> str:
    """The whole text of a small file. Raises InputError where it is missing, damaged or not UTF-8."""
    return "".join(line + "\n" for line in read_lines(path))


def read_lines(path: Path) -> Iterator[str]:
    """Stream the lines of a file, split only at newlines, as in `janus.files.decode_lines`.

    Raises InputError where it is missing, damaged or, with the line's number, not UTF-8.
    """
    with open_bytes(path) as stream:
        yield from decoded(stream, path)


def decoded(stream: IO[bytes], where: object) -> Iterator[str]:
    """The lines of a byte stream, called `where` in errors. Raises InputError as `read_lines` does."""
    return decode_lines(_sound(io.BufferedReader(_Raw(stream)), where), where)


def _sound(stream: Iterator[bytes], where: object) -> Iterator[bytes]:
    try:
        yield from stream
    except BROKEN as error:
        raise InputError(f"damaged ({error})", where=where, fix="remove it and fetch it again") from error


class _Raw(io.RawIOBase):
    """A stream with large reads: reading members of archives line by line is slow."""

    def __init__(self, stream: IO[bytes]):
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
