"""The decoder rows of a batch, of any method, and what its losses read of them.

Axes: P decoder rows of the batch, C of them content, R rows that a loss term reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Read:
    """The rows [R] that one loss term reads, with their gold tokens [R].

    masked: for the AR stream, [M] the entries that predict the masked tokens, in the order of the masked streams.
    """

    rows: Tensor
    labels: Tensor
    masked: Tensor | None = None


@dataclass(frozen=True)
class DecoderRows:
    """The decoder rows of a batch, content rows first, then query rows; each part ordered by sentence.

    Content rows give keys and values, in each layer from its input; query rows only ask.
    token, position, kind, place, sentence: [P] each. `position` is the row of the position table; `kind` and `place`
    are the method's own names of a row. source: [P] the source sentence that a row attends to.
    content: C, the number of content rows. sentences: the number of groups that attend among themselves.
    spans: [P, 4] int32, the two half-open intervals of content rows that each row sees.
    second_encoding: [P] boolean, rows that attend to the second of two encodings of the source; only for models with
    two encoder passes.
    read: what the losses read, by name.
    """

    token: Tensor
    position: Tensor
    kind: Tensor
    place: Tensor
    sentence: Tensor
    source: Tensor
    content: int
    sentences: int
    spans: Tensor
    second_encoding: Tensor
    read: Mapping[str, Read]

    def to(self, device: torch.device | str) -> DecoderRows:
        """The same rows on another device."""
        return self.of_plain(_moved({one.name: getattr(self, one.name) for one in fields(self)}, device))

    def with_tokens(self, token: Tensor) -> DecoderRows:
        """The same rows with other tokens [P]."""
        return replace(self, token=token)

    @classmethod
    def of_plain(cls, values: Mapping[str, Any]) -> DecoderRows:
        """Rows from the nested dictionaries that a batch carries."""
        read = {name: one if isinstance(one, Read) else Read(**one) for name, one in values["read"].items()}
        return cls(**{**values, "read": read})


def _moved(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Read):
        return Read(*(_moved(getattr(value, one.name), device) for one in fields(value)))
    if isinstance(value, Mapping):
        return {key: _moved(item, device) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class States:
    """The hidden rows that a loss projects to the vocabulary, and their gold tokens.

    hidden: [R, D] for each entry of `read`. vocabulary: [V, D], the output embedding. length: [B, L] scores of the
    target lengths, None if the model predicts no length.
    """

    hidden: Mapping[str, Tensor]
    read: Mapping[str, Read]
    vocabulary: Tensor
    length: Tensor | None
