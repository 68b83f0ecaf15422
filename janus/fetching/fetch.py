"""Downloads: several addresses, resumed transfers; a file gets its final name only when it is complete and trusted."""

import hashlib
import sys
import time
import urllib.parse
from pathlib import Path

from janus.errors import InputError
from janus.fetching.file_kinds import Unfit
from janus.fetching.manifest import Download
from janus.fetching.pins import Differs, require_trusted, set_aside, take_back
from janus.fetching.transfer import Part, Unreachable, transfer


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
    """Download a file into `folder` and return its path; an existing trusted file is kept.

    Addresses are tried in order, each up to `attempts` times with a pause of `pause` seconds that doubles each time; an
    interrupted transfer is resumed. `mirror`, a folder or an http(s) or file base address with the layout of upstream,
    replaces the addresses: the file is then only looked up at `<mirror>/<download.path>`.

    A file is trusted (see `pins.py`) by the manifest's checksum and size, or else by those of the first file of that
    name that was read completely and found valid. Any other file, such as a web page instead of an archive, is moved to
    `<folder>/rejected`, and the next address is tried. Raises InputError if no address gives a trusted file, or if the
    disk is full.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / download.name
    failures: dict[str, Exception] = {}
    if path.exists():
        try:
            require_trusted(path, download, folder)
            return path
        except Unfit as failure:
            failures["what lay there"] = kept = _kept_as(failure, set_aside(path, download, folder), folder)
            print(f"{path}: {kept}", file=sys.stderr)
    if take_back(download, folder):
        return path
    for address in _addresses(download, mirror):
        # The part's name depends on the address, so that a resumed transfer never joins files of two servers.
        part = Part(folder / f".{download.name}.{hashlib.sha256(address.encode()).hexdigest()[:8]}.part")
        try:
            _bring(address, part, download, folder, progress, attempts, pause, timeout)
        except (Unreachable, Unfit) as failure:
            failures[address] = failure
            continue
        part.path.replace(path)
        part.drop()
        return path
    raise _failure(path, failures)


def _addresses(download: Download, mirror: str | None) -> list[str]:
    if mirror is None:
        return list(download.addresses)
    if "://" in mirror:
        return [f"{mirror.rstrip('/')}/{urllib.parse.quote(download.path)}"]
    return [(Path(mirror).expanduser().resolve() / download.path).as_uri()]


def _bring(
    address: str,
    part: Part,
    download: Download,
    folder: Path,
    progress: bool,
    attempts: int,
    pause: float,
    timeout: float,
) -> None:
    for attempt in range(1, attempts + 1):
        try:
            _attempt(address, part, download, folder, progress, timeout)
            return
        except Unreachable as failure:
            if failure.final or attempt == attempts:
                raise
        except Unfit as failure:
            if not failure.damaged or attempt == attempts:
                aside = set_aside(part.path, download, folder)
                part.drop()
                raise _kept_as(failure, aside, folder) from failure
            part.drop()
        time.sleep(pause * 2 ** (attempt - 1))


def _attempt(address: str, part: Part, download: Download, folder: Path, progress: bool, timeout: float) -> None:
    known = download.sha256 is not None
    options = dict(name=download.name, known=known, size=download.bytes, timeout=timeout, progress=progress)
    while True:
        resumed = transfer(address, part, **options)
        try:
            require_trusted(part.path, download, folder)
            return
        except Unfit:
            # A file in pieces may be a mixture of two versions; one in a single piece is the server's.
            if not resumed:
                raise
            part.drop()


def _kept_as(failure: Unfit, aside: Path, folder: Path) -> Unfit:
    reason = f"{failure}, kept as {aside.relative_to(folder)}"
    return Differs(reason, fix=failure.fix) if isinstance(failure, Differs) else Unfit(reason)


def _failure(path: Path, failures: dict[str, Exception]) -> InputError:
    said = "; ".join(f"{address}: {failure}" for address, failure in failures.items())
    differing = next((failure for failure in failures.values() if isinstance(failure, Differs)), None)
    if differing:
        fix = f"if that file is right, {differing.fix} and run again"
        return InputError(f"no address returned a trustworthy file ({said})", where=path, fix=fix)
    return InputError(
        f"no address returned the whole file ({said})",
        where=path,
        fix="check the network and the address in a browser, set `mirror:` to a folder or address that has it, or put "
        "the file there",
    )
