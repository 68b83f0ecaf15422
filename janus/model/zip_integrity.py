"""Integrity of checkpoint files: whether they are complete and match the checksums that torch stored in them.

torch.load verifies no checksum, so corrupted bytes load as wrong weights. A checkpoint is a zip archive whose directory
contains the CRC-32 of every record; files older than torch 1.6 are plain pickles and cannot be verified.
"""

import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from janus.errors import InputError

_RECORD = b"PK\x03\x04"
# The end of a directory: 22 bytes and a comment of up to 64 KiB.
_END = b"PK\x05\x06"
_LONGEST_END = 22 + 0xFFFF
# The attribute of a folder, whose content torch does not read.
_FOLDER = 0x10
# The exceptions of zipfile for invalid fields in a directory or a header.
_REPORTS = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError, struct.error, zlib.error)


def is_cut_short(path: Path) -> bool:
    """Whether the file at `path` is the beginning of a zip archive, or empty: proof of an interrupted write.

    An archive ends with its directory, so a file that begins like an archive but has none was never finished. Files of
    any other kind are not judged, nor is what is no file. Raises InputError where it cannot be read.
    """
    if not Path(path).is_file():
        return False
    with _readable(path) as stream:
        head = stream.read(len(_RECORD))
        if not _RECORD.startswith(head):
            return False
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _LONGEST_END))
        return _END not in stream.read()


def _readable(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        fix = "correct its permissions, or move it away and run again"
        raise InputError(f"cannot be read ({error.strerror})", where=path, fix=fix) from error


def verify_checksums(path: Path) -> None:
    """Read every record of a checkpoint once, in pieces of a megabyte, against its checksum; a bare pickle passes.

    Raises InputError where the file cannot be opened, and one that names the damaged record. Every byte that torch.load
    uses is covered: the data by their checksums, the directory and the headers by having to agree.
    """
    path = Path(path)
    with _readable(path) as stream:
        if stream.read(len(_RECORD)) != _RECORD:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            folders = [record.filename for record in archive.infolist() if record.external_attr & _FOLDER]
            damaged = folders[0] if folders else archive.testzip()
    except _REPORTS as error:
        damaged = str(error) or type(error).__name__
    if damaged is not None:
        raise InputError(
            f"not a readable checkpoint (damaged: {damaged})",
            where=path,
            fix="restore it from a copy, or move it away and run again",
        )
