"""An autoregressive stream beside another loss: the same weights and the same encoding, read from left to right.

Nobody has published CTC or a graph of words trained so. Axes: B sentences, T target places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from janus.methods.base.batch import Symbols, as_plain, rows_of
from janus.methods.base.options import option
from janus.model.streams import pack_left_to_right
from janus.model.transformer import JanusTransformer, Memory
from kernels.joint_loss import joint_loss


@dataclass(frozen=True)
class BesideOptions:
    """The weight of the stream."""

    ar: float = option(
        0.0, "Weight of an autoregressive cross entropy on the same weights, a mean over target tokens.", minimum=0
    )


def pack_beside(target: Tensor, symbols: Symbols, options: BesideOptions) -> dict[str, Any]:
    """The plain rows of the stream for targets [B, T], if it has a weight."""
    if not options.ar:
        return {}
    return {"beside": as_plain(pack_left_to_right(target, pad=symbols.pad, mask=symbols.mask))}


def with_beside(
    losses: tuple[Tensor, dict[str, Tensor]],
    model: JanusTransformer,
    packed: Mapping[str, Any],
    memory: Memory,
    options: BesideOptions,
    smoothing: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """A total and its terms with those of the stream, decoded from the same memory."""
    total, terms = losses
    if not options.ar:
        return total, terms
    rows = rows_of(packed["beside"])
    read = rows.read["ar"]
    weights = torch.full_like(read.labels, options.ar / max(read.labels.numel(), 1), dtype=torch.float)
    vocabulary = model.decoder.output_projection.weight
    hidden = model.decoder(rows, memory, read.rows)
    ar, smoothed, nll, _ = joint_loss(hidden, vocabulary, read.labels, weights, 0, [], smoothing)
    return total + ar, {**terms, "ar": smoothed.mean(), "ar_nll": nll.mean()}
