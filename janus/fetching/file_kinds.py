"""Whether a file is of the kind that its name says, determined by reading it completely.

| ending | opened as |
|---|---|
| .zip, .tar, .tgz, .tar.* | an archive, zip or tar under any compression, every member and checksum |
| .gz, .bz2, .xz | compressed text or data, with its checksum |
| .parquet | a table, every row |
| .safetensors | a header whose tensors fill the file |
| .pt | a checkpoint: a zip file with its checksums, or a pickle |
| .json | JSON |
| .txt, .jsonl, .bpe | UTF-8 text |

A web page is none of these, whatever the name.
"""

import bz2
import gzip
import html
import importlib.util
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from janus.errors import InputError
from janus.fetching.opening import Growth
from janus.files import decode_lines, parse_json

_CHUNK = 1 << 20
_HEAD = 1 << 16
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_PAGES = (".html", ".htm", ".xhtml")
_COMPRESSIONS: dict[bytes, tuple[str, Callable[..., IO[bytes]]]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ\0": ("xz", lzma.open),
}
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
_BLOCK = tarfile.BLOCKSIZE


class Unfit(Exception):
    """A file is not of the kind that its name says; `damaged` if it begins like one, and a new transfer may help."""

    def __init__(self, reason: str, *, damaged: bool = False):
        super().__init__(reason)
        self.damaged = damaged


def require_no_page(path: Path, name: str) -> bytes:
    """The first bytes of a file. Raises Unfit if it is a web page or empty; fast for any size."""
    with open(path, "rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise Unfit("an empty file", damaged=True)
    _refuse_page(head, name)
    return head


def require_kind(path: Path, name: str) -> None:
    """Read the file at `path`, whose final name is `name`, completely. Raises Unfit with the problem."""
    head = require_no_page(path, name)
    for endings, (kind, check) in _KINDS.items():
        if re.search(rf"\.(?:{endings})$", name, re.IGNORECASE):
            try:
                check(path, head, name)
            except _BROKEN as error:
                raise Unfit(f"a damaged {kind} ({_first_line(error)})", damaged=True) from error
            return


def _refuse_page(head: bytes, name: str) -> None:
    if not _PAGE.match(head) or name.lower().endswith(_PAGES):
        return
    title = _TITLE.search(head)
    said = " ".join(html.unescape(title[1].decode("utf-8", "replace")).split()) if title else ""
    said = "".join(character for character in said if character.isprintable())[:80]
    raise Unfit(f"a web page, {f'titled {said!r}' if said else 'without a title'}, and not {name}")


def _archive(path: Path, head: bytes, name: str) -> None:
    if zipfile.is_zipfile(path):
        _zip(path, head, name)
        return
    if head.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile("its list of members is missing")
    compression = _compression(head)
    if compression is None and len(head) < _BLOCK or compression is None and head[257:262] != b"ustar":
        raise _other(head, "an archive")
    with Growth(path).limit((compression[1] if compression else open)(path, "rb")) as stream:
        counted = _Counted(stream)
        with tarfile.open(fileobj=counted, mode="r|", bufsize=_CHUNK) as tar:
            members = sum(1 for _ in tar)
        # The checksum of the compression is at the end of the file, after the end of the archive.
        while counted.read(_CHUNK):
            pass
    if not members:
        raise Unfit("an archive without members")
    if counted.last.strip(b"\0"):
        raise tarfile.ReadError("it breaks off after a member")


def _zip(path: Path, head: bytes, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        if not archive.namelist():
            raise Unfit("an archive without members")
        if sum(member.file_size for member in archive.infolist()) > Growth(path).left:
            raise zipfile.BadZipFile("it grows too much")
        if broken := archive.testzip():
            raise zipfile.BadZipFile(f"checksum of {broken} differs")


def _compressed(path: Path, head: bytes, name: str) -> None:
    compression = _compression(head)
    expected = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}[Path(name).suffix.lower()]
    if compression is None or compression[0] != expected:
        raise _other(head, f"a {expected} file")
    with Growth(path).limit(compression[1](path, "rb")) as stream:
        inner = stream.read(_HEAD)
        if not inner:
            raise Unfit("an empty file")
        _refuse_page(inner, Path(name).stem)
        while stream.read(_CHUNK):
            pass


def _parquet(path: Path, head: bytes, name: str) -> None:
    if not head.startswith(b"PAR1"):
        raise _other(head, "a parquet table")
    with open(path, "rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(-4, 2)
        # The mark is at both ends, with a length of 4 bytes before the second.
        if size < 12 or stream.read() != b"PAR1":
            raise EOFError("its end is missing")
    # Reading the table needs pyarrow, which may be missing where it is only fetched.
    if importlib.util.find_spec("pyarrow") is None:
        return
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            for group in range(table.num_row_groups):
                table.read_row_group(group)
    except pyarrow.ArrowException as error:
        raise OSError(_first_line(error)) from error


def _safetensors(path: Path, head: bytes, name: str) -> None:
    size = path.stat().st_size
    length = struct.unpack("<Q", head[:8])[0] if len(head) >= 8 else size
    if length + 8 > size or not head[8:9] == b"{":
        raise _other(head, "a safetensors file")
    with open(path, "rb") as stream:
        content = stream.read(8 + length)[8:]
    try:
        header = parse_json(content.decode())
        ends = [int(entry["data_offsets"][1]) for tensor, entry in header.items() if tensor != "__metadata__"]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Unfit("a safetensors file whose header makes no sense", damaged=True) from error
    if 8 + length + max(ends, default=0) != size:
        raise EOFError(f"{size:,} bytes for tensors of {8 + length + max(ends, default=0):,}")


def _checkpoint(path: Path, head: bytes, name: str) -> None:
    if head.startswith(b"PK\x03\x04"):
        _zip(path, head, name)
    elif not head.startswith(b"\x80"):
        raise _other(head, "a checkpoint of torch")


def _json(path: Path, head: bytes, name: str) -> None:
    try:
        parse_json(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise Unfit(f"not JSON ({error})", damaged=head.lstrip()[:1] in (b"{", b"[")) from error


def _text(path: Path, head: bytes, name: str) -> None:
    try:
        with open(path, "rb") as stream:
            for _ in decode_lines(stream, name):
                pass
    except InputError as error:
        raise Unfit(f"no text ({error.what})", damaged=True) from error


_KINDS: dict[str, tuple[str, Callable[[Path, bytes, str], None]]] = {
    r"zip|tar|tgz|tbz2|txz|tar\.\w+": ("archive", _archive),
    "gz|bz2|xz": ("compressed file", _compressed),
    "parquet": ("parquet table", _parquet),
    "safetensors": ("safetensors file", _safetensors),
    "pt": ("checkpoint", _checkpoint),
    "json": ("JSON file", _json),
    "txt|jsonl|bpe": ("text", _text),
}


def _compression(head: bytes) -> tuple[str, Callable[..., IO[bytes]]] | None:
    return next((found for magic, found in _COMPRESSIONS.items() if head.startswith(magic)), None)


def _other(head: bytes, expected: str) -> Unfit:
    """The error for a file that does not begin as `expected`."""
    start = head[:60].decode("utf-8", "replace").split("\n")[0].rstrip("\ufffd")
    return Unfit(f"not {expected}: it begins with {start if start.isprintable() else head[:8]!r}")


def _first_line(error: Exception) -> str:
    # tarfile lists every format it tried, one per line.
    return (str(error) or type(error).__name__).partition("\n")[0].rstrip(":")


class _Counted:
    """A stream that keeps its last block."""

    def __init__(self, stream: IO[bytes]):
        self._stream, self.last = stream, b""

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.last = (self.last + data)[-_BLOCK:]
        return data
