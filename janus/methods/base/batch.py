"""The content of a batch: what a method packs in a data-loading worker, and reads again in its loss.

fairseq moves batches between devices as nested dictionaries of tensors, so packed values travel in that form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from torch import Tensor

from janus.model.ragged import Ragged, Source
from janus.model.rows import DecoderRows


@dataclass(frozen=True)
class Symbols:
    """The special symbols of a dictionary.

    mask: hides a target token; unk in the release, in CMLM and in this suite. source_mask: hides a span of the source,
    as in BART; None if the dictionary has no such symbol.
    """

    bos: int
    pad: int
    eos: int
    unk: int
    source_mask: int | None = None

    @property
    def mask(self) -> int:
        """The symbol of a hidden target token."""
        return self.unk


def as_plain(value: Any) -> Any:
    """Dataclasses as dictionaries, recursively; tensors are shared, not copied."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    return value


def pack_source(tokens: Tensor, pad: int) -> dict[str, Any]:
    """Source tokens [B, S] as a plain `Source`."""
    return as_plain(Source.of(tokens, pad))


def source_of(packed: Mapping[str, Any]) -> Source:
    """The `Source` of a plain one."""
    return Source(packed["token"], packed["position"], Ragged(**packed["layout"]))


def rows_of(packed: Mapping[str, Any]) -> DecoderRows:
    """The `DecoderRows` of plain ones."""
    return DecoderRows.of_plain(packed)
