"""Downloads: several addresses, resume, checksum; nothing under its final name before it is whole and verified."""

import fcntl
import hashlib
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import IO

from tqdm import tqdm

from janus.corpora.manifest import Download
from janus.errors import InputError
from janus.files import read_json, sha256, write_json

PINS = "pins.json"
_CHUNK = 1 << 18
_AGENT = {"User-Agent": "janus-corpora"}


class _Unreachable(Exception):
    """One address did not give the whole file; the next try or address may."""

    def __init__(self, reason: str, *, final: bool):
        super().__init__(reason)
        self.final = final


def fetch(
    download: Download,
    folder: Path,
    *,
    mirror: str | None = None,
    progress: bool = True,
    attempts: int = 3,
    pause: float = 1.0,
    timeout: float = 60.0,
) -> Path:
    """Bring a download into `folder` and return its path; a verified file already there is kept.

    Addresses are tried in order, each up to `attempts` times with `pause` seconds, doubled each time, between;
    a transfer that broke off goes on where it stopped. `mirror`, a folder or an http(s) or file base address laid
    out like upstream, replaces the addresses: the file is then sought at `<mirror>/<download.path>` alone.

    The SHA-256 must equal `download.sha256`; where the manifest has none, the first one seen is kept in
    `<folder>/pins.json` and later files of that name must equal it. Raises InputError where no address gives
    the whole file, where the checksum differs (the file is removed), or where the disk is full.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / download.name
    if path.exists():
        _verify(path, download, folder)
        return path
    failures = []
    for address in _addresses(download, mirror):
        # The part's name carries the address, so that a resume never joins two servers' files.
        part = folder / f".{download.name}.{hashlib.sha256(address.encode()).hexdigest()[:8]}.part"
        try:
            _transfer_with_retries(address, part, download, progress, attempts, pause, timeout)
        except _Unreachable as failure:
            failures.append(f"{address}: {failure}")
            continue
        _verify(part, download, folder)
        part.replace(path)
        return path
    raise InputError(
        f"no address gave the whole file ({'; '.join(failures)})",
        where=path,
        mend="check the network, or set `mirror:` to a folder or address that has it",
    )


def _addresses(download: Download, mirror: str | None) -> list[str]:
    if mirror is None:
        return list(download.addresses)
    if "://" in mirror:
        return [f"{mirror.rstrip('/')}/{urllib.parse.quote(download.path)}"]
    return [(Path(mirror).expanduser().resolve() / download.path).as_uri()]


def _transfer_with_retries(
    address: str, part: Path, download: Download, progress: bool, attempts: int, pause: float, timeout: float
) -> None:
    for attempt in range(1, attempts + 1):
        try:
            _transfer(address, part, download, progress, timeout)
            return
        except _Unreachable as failure:
            if failure.final or attempt == attempts:
                raise
            time.sleep(pause * 2 ** (attempt - 1))


def _transfer(address: str, part: Path, download: Download, progress: bool, timeout: float) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = _AGENT | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=timeout) as response:
            resumed = response.status == 206
            total = _total(response, have if resumed else 0, download)
            with (
                part.open("ab" if resumed else "wb") as stream,
                tqdm(
                    desc=download.name,
                    total=total,
                    initial=have if resumed else 0,
                    unit="B",
                    unit_scale=True,
                    disable=not progress,
                ) as bar,
            ):
                _copy(response, stream, bar, part)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            part.unlink()
            raise _Unreachable("the server cannot resume", final=False) from error
        raise _Unreachable(f"HTTP {error.code} {error.reason}", final=400 <= error.code < 500) from error
    except urllib.error.URLError as error:
        raise _Unreachable(str(error.reason), final=address.startswith("file:")) from error
    except (OSError, HTTPException) as error:
        raise _Unreachable(str(error) or type(error).__name__, final=False) from error
    size = part.stat().st_size
    if total is not None and size < total:
        raise _Unreachable(f"truncated, {size:,} of {total:,} bytes", final=False)


def _total(response: IO[bytes], offset: int, download: Download) -> int | None:
    length = response.headers.get("Content-Length")
    return offset + int(length) if length is not None else download.bytes


def _copy(response: IO[bytes], stream: IO[bytes], bar: tqdm, part: Path) -> None:
    while chunk := response.read(_CHUNK):
        try:
            stream.write(chunk)
            stream.flush()
        except OSError as error:
            part.unlink(missing_ok=True)
            free = shutil.disk_usage(part.parent).free
            raise InputError(
                f"cannot be written ({error.strerror}), {free:,} bytes free",
                where=part.parent,
                mend="free space or permissions, then run again",
            ) from error
        bar.update(len(chunk))


def _verify(path: Path, download: Download, folder: Path) -> None:
    found = sha256(path)
    expected = download.sha256 or _pinned(folder, download.name, found)
    if found == expected:
        return
    path.unlink()
    origin = "the manifest" if download.sha256 else f"{folder / PINS} (trusted on first use)"
    raise InputError(
        f"checksum differs: sha256 is {found}, {origin} says {expected}; the file was removed",
        where=folder / download.name,
        mend="run again for a fresh download, or correct the pin if the file rightly changed",
    )


def _pinned(folder: Path, name: str, found: str) -> str:
    """The digest pinned for `name`; `found` becomes it where there is none yet."""
    # Several downloads may run at once; the lock keeps one from losing another's pin.
    with (folder / f".{PINS}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pins = read_json(folder / PINS) if (folder / PINS).exists() else {}
        if name not in pins:
            write_json(folder / PINS, {**pins, name: found})
        return pins.get(name, found)
