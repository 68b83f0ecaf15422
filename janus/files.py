"""Reading and writing files such that a partly written file is never used."""

import codecs
import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from janus.errors import InputError

_CHUNK = 1 << 20
# Everything that some reader treats as the end of a line: Python's universal newlines (fairseq), splitlines().
_BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# These, and the separator of units, at which words end too: tokenisers would delete some and glue the words.
_SEPARATORS = re.compile("[\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
# Deeper than any file of this suite or of the models it reads, and far below the limit of Python's stack.
DEEPEST = 100
# Characters of an integer: all of 64 bits, and none that overflows where it meets a float.
LONGEST_INTEGER = 20
# Longer marks first: that of UTF-32 begins like one of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
# How compressed files begin, and the program that unpacks them.
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh9": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path` that replaces it only if the block ends without an exception.

    On any exception, including a full disk, the temporary file is removed and `path` is unchanged.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        # Errors about other files are left to the caller, and so are those without an errno, such as gzip's of a
        # checksum; an error without a file name is a write that found no space.
        if error.errno is None or error.filename not in (None, str(partial), *map(str, path.parents)):
            raise
        reason = error.strerror or error
        fix = "free space or permissions, then run again"
        raise InputError(f"cannot be written ({reason})", where=path, fix=fix) from error
    finally:
        if path.parent.is_dir():
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[str]]:
    """Open a UTF-8 text file for writing; it appears under its name only when it is complete."""
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        yield stream


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write each string of `lines` followed by a newline, atomically.

    Raises InputError, with the line number, if a string contains a line break: readers would disagree on the lines.
    """
    with atomic_writer(path) as stream:
        for number, line in enumerate(lines, 1):
            _require_one_line(line, path, number)
            stream.write(line + "\n")


def one_line(text: str) -> str:
    """`text` with a space for every line break that some reader of text files knows, and every other separator.

    Spaces of other kinds and tabs stay.

    >>> one_line("a\\rb\\u2028c\\x1fd")
    'a b c d'
    """
    return _SEPARATORS.sub(" ", text)


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 text file, which must end at LF or CRLF and contain no other line break.

    A byte order mark at the start of the file is skipped. Raises InputError if the file is missing or, with the line
    number, if it is not UTF-8 or a line contains another break (CR, VT, FF, FS, GS, RS, NEL, LS, PS), on which readers
    would disagree.
    """
    return list(iter_lines(path))


def iter_lines(path: Path) -> Iterator[str]:
    """The lines of `read_lines`, as a stream."""
    path = Path(path)
    require_file(path, fix="create it first, or correct the path")
    with open(path, "rb") as stream:
        for number, line in enumerate(decode_lines(stream, path), 1):
            _require_one_line(line, path, number)
            yield line


def require_file(path: Path, *, fix: str) -> None:
    """Raise InputError unless `path` can be read as a file or a pipe. fix: what to do where nothing has that name."""
    path = Path(path)
    if path.is_dir():
        raise InputError("is a folder", where=path, fix="name a file in it")
    if not path.exists():
        raise InputError("no such file", where=path, fix=fix)


def require_writable(path: Path) -> None:
    """Raise InputError where no file could be made at `path`, so that long work does not end there. Makes nothing."""
    path = Path(path)
    if path.is_dir():
        raise InputError("cannot be written (it is a folder)", where=path, fix="name a file")
    folder = next(one for one in path.absolute().parents if one.exists())
    if not folder.is_dir():
        raise InputError(f"cannot be written ({folder} is not a folder)", where=path, fix="name another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot be written (no permission in {folder})", where=path, fix="name another place")


def with_ending(stem: Path, ending: str) -> Path:
    """The file beside others that `stem` names without their endings. Raises InputError where it ends in no name."""
    stem = Path(stem)
    if stem.name in ("", ".."):
        raise InputError("is a folder", where=stem, fix=f"name files in it: {stem / 'NAME'} gives NAME{ending}")
    return stem.with_name(stem.name + ending)


def named_folder(path: str | Path) -> Path:
    """The path of a folder, made absolute where it does not end in the folder's name, as `.` and `..` do not."""
    path = Path(path)
    return path if path.name not in ("", "..") else Path(os.path.abspath(path))


def decode_lines(stream: Iterable[bytes], where: object) -> Iterator[str]:
    """Decode the lines of a byte stream, split at LF, without their LF or CRLF and a byte order mark before the first.

    Other line breaks are kept: foreign text is cleaned during preparation. Raises InputError, with `where` and the line
    number, if a line is not UTF-8, and for a file whose lines end at CR alone, which would be one line.
    """
    for number, line in enumerate(stream, 1):
        if number == 1:
            _require_bytewise(line, where)
            _require_line_feeds(line, where)
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            yield line.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise InputError(
                f"not UTF-8 (byte {error.start + 1} of the line)",
                where=f"{where}:{number}",
                fix="convert the file with iconv",
            ) from error


def _require_bytewise(head: bytes, where: object) -> None:
    """Raise InputError if a file looks compressed, or like UTF-16 or UTF-32: with a mark, or every other byte zero."""
    if program := next((program for magic, program in _COMPRESSED.items() if head.startswith(magic)), None):
        raise InputError("compressed, not text", where=where, fix=f"unpack it: {program} -dc OLD > NEW")
    kind = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if kind is None and len(head) >= 4 and (not any(head[0:4:2]) or not any(head[1:4:2])):
        kind = "UTF-16"
    if kind:
        raise InputError(
            f"{kind}, not UTF-8", where=f"{where}:1", fix=f"convert the file: iconv -f {kind} -t UTF-8 OLD > NEW"
        )


def _require_line_feeds(head: bytes, where: object) -> None:
    """Raise InputError for a file of several lines that ends none of them with LF, as old Macintosh files are."""
    # With an LF at its end, a first line may hold a CR by accident; without one it is the whole file.
    if not head.endswith(b"\n") and b"\r" in head.rstrip(b"\r"):
        raise InputError("its lines end at CR alone", where=where, fix="convert the file: tr '\\r' '\\n' < OLD > NEW")


def _require_one_line(line: str, path: Path, number: int) -> None:
    if found := _BREAKS.search(line):
        raise InputError(
            f"a line break, U+{ord(found[0]):04X}, inside the line (character {found.start() + 1})",
            where=f"{path}:{number}",
            fix="put a space in its place: programs would count the lines of this file differently",
        )


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN is rejected, since other readers cannot parse it."""
    with atomic_writer(path) as stream:
        json.dump(value, stream, indent=2, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises InputError if it is missing or `parse_json` refuses it."""
    path = Path(path)
    try:
        return parse_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, fix="make it first") from error
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8", where=path, fix="convert the file with iconv") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"not JSON ({error.msg})", where=f"{path}:{error.lineno}", fix="remove it and create it again"
        ) from error
    except ValueError as error:
        raise InputError(f"not JSON ({error})", where=path, fix="remove it and create it again") from error


def parse_json(text: str) -> Any:
    """The value of a JSON text, in types and sizes that every reader of it can use.

    Raises ValueError, with one line, for what is not JSON, and for what Python's parser accepts beyond it or fails on
    in ways of its own: NaN and infinite numbers, integers of more than 20 digits, halves of a surrogate pair, which
    cannot be written again, and more than 100 levels.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_parse_integer, parse_float=_parse_float)
    except RecursionError as error:
        raise ValueError(f"more than {DEEPEST} levels") from error
    if _depth_exceeds(value, DEEPEST):
        raise ValueError(f"more than {DEEPEST} levels")
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("half of a surrogate pair") from error
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _parse_integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(text)} characters")
    return int(text)


def _parse_float(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:20]} is no finite number")
    return value


def _depth_exceeds(value: Any, limit: int) -> bool:
    """Whether lists and maps are nested deeper than `limit`; one level at a time, without recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(item, dict | list) for item in level)


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    return _digest(path, hashlib.sha256())


def git_blob_hash(path: Path) -> str:
    """The hash of `git hash-object` for a file: a checksum that public repositories publish anyway."""
    return _digest(path, hashlib.sha1(f"blob {Path(path).stat().st_size}\0".encode()))


def _digest(path: Path, digest: Any) -> str:
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
