"""Problems of a config: what every check yields, and names that nothing knows or that stand twice."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from janus.config.tiers import known
from janus.errors import InputError

Problems = Iterator[InputError]


def unknown_name(name: str, names: Collection[str], **place: Any) -> Problems:
    """A problem with the nearest name if `name` is none of `names`. place: as of `janus.config.tiers.known`."""
    try:
        known(name, names, **place)
    except InputError as error:
        yield error


def repeated(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(key, value, first key) of every key whose value already occurred under an earlier key."""
    first: dict[str, str] = {}
    for key, value in values.items():
        if first.setdefault(value, key) != key:
            yield key, value, first[value]
