"""Safe extraction of archives: no member outside the folder, no links, no devices, nothing twice, no bombs."""

import gzip
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from janus.errors import InputError
from janus.fetching.opening import BROKEN, Growth, is_plain, open_tar
from janus.files import atomic_path


def extract(archive: Path, members: Iterable[str], folder: Path) -> dict[str, Path]:
    """Extract the named members of a tar (any compression) or zip archive below `folder`, as a stream.

    Returns the path of each member. Raises InputError for a file that is not such an archive or is damaged, for a
    missing member, and for one that is a link or a device, that is there twice, that grows to more than 200 times the
    size of the archive, or whose name points outside the folder.
    """
    wanted = list(members)
    try:
        if zipfile.is_zipfile(archive):
            return _extract_zip(archive, wanted, folder)
        return _extract_tar(archive, wanted, folder)
    except BROKEN as error:
        raise _damaged(archive, error) from error


def members(archive: Path) -> list[str]:
    """The names of all members of a tar (any compression) or zip archive. Raises InputError if it is damaged."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as bundle:
                return bundle.namelist()
        with open_tar(archive) as tar:
            return [member.name for member in tar]
    except BROKEN as error:
        raise _damaged(archive, error) from error


def gunzip(archive: Path, path: Path) -> Path:
    """Decompress a gzip file to `path`. Raises InputError if it is damaged or not gzip."""
    try:
        with Growth(archive).limit(gzip.open(archive, "rb")) as stream:
            _save(stream, path)
    except BROKEN as error:
        raise _damaged(archive, error) from error
    return path


def _extract_tar(archive: Path, wanted: list[str], folder: Path) -> dict[str, Path]:
    found = {}
    with open_tar(archive) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if name not in wanted:
                continue
            target = _target(archive, name, folder)
            if not is_plain(member):
                raise _refused(archive, name, "is no plain file")
            if name in found:
                raise _refused(archive, name, "is there twice")
            _save(tar.extractfile(member), target)
            found[name] = target
    return _complete(archive, wanted, found)


def _extract_zip(archive: Path, wanted: list[str], folder: Path) -> dict[str, Path]:
    found = {}
    growth = Growth(archive)
    with zipfile.ZipFile(archive) as bundle:
        for name in set(wanted) & set(bundle.namelist()):
            target = _target(archive, name, folder)
            # A zip keeps the Unix mode in the upper half of external_attr; 0o12 marks a symbolic link.
            if bundle.getinfo(name).external_attr >> 28 == 0o12 or name.endswith("/"):
                raise _refused(archive, name, "is no plain file")
            if bundle.namelist().count(name) > 1:
                raise _refused(archive, name, "is there twice")
            with growth.limit(bundle.open(name)) as stream:
                _save(stream, target)
            found[name] = target
    return _complete(archive, wanted, found)


def _target(archive: Path, name: str, folder: Path) -> Path:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
        raise _refused(archive, name, "leads out of the folder")
    return Path(folder) / name


def _save(stream: IO[bytes], path: Path) -> None:
    with atomic_path(path) as partial, open(partial, "wb") as out:
        shutil.copyfileobj(stream, out)


def _complete(archive: Path, wanted: list[str], found: dict[str, Path]) -> dict[str, Path]:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InputError(
            f"lacks {', '.join(missing)}", where=archive, fix="fetch it again, or correct the names in the recipe"
        )
    return found


def _refused(archive: Path, name: str, reason: str) -> InputError:
    return InputError(
        f"member {name!r} {reason}", where=archive, fix="do not trust this archive; fetch it from its source"
    )


def _damaged(archive: Path, error: Exception) -> InputError:
    if isinstance(error, OSError) and error.errno is not None:
        fix = "fetch it first, or correct its permissions"
        return InputError(f"cannot be read ({error.strerror})", where=archive, fix=fix)
    # tarfile lists every format it tried, one per line.
    reason = str(error).partition("\n")[0].rstrip(":")
    return InputError(f"damaged archive ({reason})", where=archive, fix="remove it and fetch it again")
