"""Reading and writing files so that nothing half-written is ever trusted."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from janus.errors import InputError

_CHUNK = 1 << 20


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path` that takes its place only when the block ends well.

    On any exception, a full disk included, the temporary file is removed and `path` is as before.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        # An error about another file is the caller's; one without a name is a write that found no room.
        if error.filename not in (None, str(partial), str(path.parent)):
            raise
        reason = error.strerror or error
        mend = "free space or permissions, then run again"
        raise InputError(f"cannot be written ({reason})", where=path, mend=mend) from error
    finally:
        if path.parent.is_dir():
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[str]]:
    """Open a UTF-8 text file for writing that appears under its name only when complete."""
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        yield stream


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write each string of `lines` followed by a newline, atomically."""
    with atomic_writer(path) as stream:
        for line in lines:
            stream.write(line + "\n")


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 text file, split at newlines alone, as sacreBLEU and fairseq count them.

    Raises InputError where the file is missing or, with the line's number, where it is not UTF-8.
    """
    return list(iter_lines(path))


def iter_lines(path: Path) -> Iterator[str]:
    """Stream what `read_lines` returns."""
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", where=path, mend="make it first, or correct the path")
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield line.decode("utf-8").rstrip("\n").rstrip("\r")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"not UTF-8 (byte {error.start + 1} of the line)",
                    where=f"{path}:{number}",
                    mend="convert the file with iconv",
                ) from error


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN is refused since other readers cannot parse it."""
    with atomic_writer(path) as stream:
        json.dump(value, stream, indent=2, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises InputError where it is missing or malformed."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, mend="make it first") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"not JSON ({error.msg})", where=f"{path}:{error.lineno}", mend="remove it and make it again"
        ) from error


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    return _digest(path, hashlib.sha256())


def git_blob_hash(path: Path) -> str:
    """The hash `git hash-object` gives a file: a checksum that public repositories publish for free."""
    return _digest(path, hashlib.sha1(f"blob {Path(path).stat().st_size}\0".encode()))


def _digest(path: Path, digest: Any) -> str:
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
