"""Restricted downloads: those with terms that must be accepted, and files that only a mirror has."""

from collections.abc import Collection, Iterable
from pathlib import Path

from janus.errors import InputError
from janus.fetching.manifest import Download


def refusals(downloads: Iterable[Download], folder: Path, *, accepted: Collection[str]) -> dict[str, InputError]:
    """Downloads, by name, that may not be fetched into `folder`, with the error that names the terms to be accepted.

    A file that is already in `folder` was put there by the user, who is trusted.
    """
    return {
        download.name: InputError(
            f"is under terms that must be accepted first ({download.page})",
            where=Path(folder) / download.name,
            fix=f"read them, then set `accept: [{download.accept}]` in the tier's config, or put the file there",
        )
        for download in downloads
        if download.accept and download.accept not in accepted and not (Path(folder) / download.name).exists()
    }


def require_leave(download: Download, folder: Path, *, accepted: Collection[str], mirror: str | None) -> None:
    """Raise InputError if `download` may not or cannot be fetched into `folder`.

    This is the case if its terms are not among the `accepted` ones, or if it has no address and there is no `mirror`.
    A file that is already in `folder` was put there by the user, who is trusted.
    """
    path = Path(folder) / download.name
    if path.exists():
        return
    for refusal in refusals([download], folder, accepted=accepted).values():
        raise refusal
    if not download.addresses and mirror is None:
        raise InputError(
            "has no public address",
            where=path,
            fix=f"set `mirror:` to a folder or address that holds {download.path}, or put the file there",
        )
