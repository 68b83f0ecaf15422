"""Downloads that not everyone may have: terms to accept first, and files that only a mirror holds."""

from collections.abc import Collection
from pathlib import Path

from janus.corpora.manifest import Download
from janus.errors import InputError


def require_leave(download: Download, folder: Path, *, accepted: Collection[str], mirror: str | None) -> None:
    """Raise InputError where `download` may not or cannot be fetched into `folder`.

    That is where its terms are not among the `accepted` ones, or where it has no address and there is no `mirror`.
    A file that lies in `folder` already was put there by someone who answers for it.
    """
    path = Path(folder) / download.name
    if path.exists():
        return
    if download.accept and download.accept not in accepted:
        raise InputError(
            f"comes under terms that must be accepted first ({download.page})",
            where=path,
            mend=f"read them, then set `accept: [{download.accept}]` in the tier's config, or put the file there",
        )
    if not download.addresses and mirror is None:
        raise InputError(
            "has no public address",
            where=path,
            mend=f"set `mirror:` to a folder or address that holds {download.path}, or put the file there",
        )
