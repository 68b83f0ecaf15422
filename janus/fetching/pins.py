"""Trust in files: by the manifest's checksum, or by that of the first file that was read completely and found valid.

The first checksum is pinned in `pins.json` next to the files. A file that is not trusted is moved to the folder
`rejected`, never deleted; if it becomes trusted because its pin was corrected, it is moved back.
"""

import fcntl
import glob
import sys
from pathlib import Path

from janus.fetching.file_kinds import Unfit, require_kind, require_no_page
from janus.fetching.manifest import Download
from janus.files import sha256, write_json
from janus.records.shapes import read_checksums

PINS = "pins.json"
_REJECTED = "rejected"


class Differs(Unfit):
    """A possibly valid file has another checksum than expected; `fix` says what to do if it is the right file."""

    def __init__(self, reason: str, *, fix: str):
        super().__init__(reason)
        self.fix = fix


def require_trusted(path: Path, download: Download, folder: Path) -> None:
    """Check the file at `path`, which is to become `<folder>/<download.name>`, and pin it if it has no pin.

    Its checksum must be that of the manifest. If the manifest has none, its size must be the given one, if any, and its
    checksum the pinned one; if none is pinned yet, the file is read completely and checked before it is pinned.
    Raises Unfit, or Differs if only the checksum is wrong.
    """
    size, found = path.stat().st_size, sha256(path)
    if found == download.sha256:
        return
    require_no_page(path, download.name)
    if download.bytes is not None and size != download.bytes:
        raise Unfit(f"{size:,} bytes, the manifest says {download.bytes:,}", damaged=size < download.bytes)
    pinned = None if download.sha256 else _pins(folder).get(download.name)
    if found == pinned:
        return
    require_kind(path, download.name)
    if download.sha256:
        reason = f"checksum differs: sha256 is {found}, the manifest says {download.sha256}"
        raise Differs(reason, fix="correct its `sha256` in config/corpora.yaml")
    if pinned:
        reason = f"checksum differs: sha256 is {found}, {folder / PINS} (trusted on first use) says {pinned}"
        raise Differs(reason, fix="write its sha256 there in the place of the other")
    _pin(folder, download.name, found)


def set_aside(path: Path, download: Download, folder: Path) -> Path:
    """Move a file that is not trusted to the folder `rejected` under an unused name; returns its new path."""
    place = folder / _REJECTED / f"{sha256(path)[:12]}-{download.name}"
    place.parent.mkdir(exist_ok=True)
    return path.replace(place)


def take_back(download: Download, folder: Path) -> bool:
    """Whether a rejected file is trusted now; it is then moved back, and a line on stderr says so."""
    for path in folder.glob(f"{_REJECTED}/{'?' * 12}-{glob.escape(download.name)}"):
        try:
            require_trusted(path, download, folder)
        except Unfit:
            continue
        path.replace(folder / download.name)
        print(f"{folder / download.name}: taken from {path.relative_to(folder)}", file=sys.stderr)
        return True
    return False


def _pins(folder: Path) -> dict[str, str]:
    fix = "restore it, or remove it to trust the files that lie there"
    return read_checksums(folder / PINS, fix=fix) if (folder / PINS).exists() else {}


def _pin(folder: Path, name: str, digest: str) -> None:
    # Several downloads may run at once; the lock prevents lost updates of the pins.
    with (folder / f".{PINS}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_json(folder / PINS, {name: digest, **_pins(folder)})
