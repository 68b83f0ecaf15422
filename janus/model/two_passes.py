"""Two decoder passes over the same rows, of which the first one is only looked at (glancing; Qian et al., 2021)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from janus.model.rows import DecoderRows
from janus.model.transformer import Decoder, Memory

# Of the hidden rows [P, D] of a first pass and the output embedding [V, D]: the rows that the second pass decodes.
Glance = Callable[[Tensor, Tensor], DecoderRows]


def glanced(glance: Glance | None, decoder: Decoder, streams: DecoderRows, memory: Memory) -> DecoderRows:
    """The rows that `glance` makes of a first pass over all content rows; the given ones without it.

    The first pass has no gradient, and the dropout of the pass that comes next.
    """
    if glance is None:
        return streams
    # Its graph is dropped with it. Under no_grad other operators would run, which draw other dropout.
    with torch.random.fork_rng(_devices(streams.token)):
        first = decoder(streams, memory, torch.arange(streams.content, device=streams.token.device))
    return glance(first.detach(), decoder.output_projection.weight.detach())


def _devices(tensor: Tensor) -> list[int]:
    return [tensor.device.index] if tensor.is_cuda else []
