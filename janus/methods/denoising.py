"""Joint pre-training on running text (paper section 3.3): every stream restores a block from its noised source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.batch import Symbols, pack_source
from janus.methods.base.options import option
from janus.methods.joint import StreamMethod, StreamOptions
from janus.noise.denoising import Noise, add_noise


@dataclass(frozen=True)
class DenoisingOptions(StreamOptions):
    """The options of joint pre-training."""

    noise: Noise = option(Noise, "Spans hidden in pre-training.")


class Denoising(StreamMethod):
    """Joint pre-training on blocks of running text."""

    Options = DenoisingOptions
    options: DenoisingOptions
    data = "text"
    stages = ("pretraining",)

    def problems(self) -> Iterator[InputError]:
        """As of joint training; and lengths cannot be predicted."""
        yield from super().problems()
        if self.options.losses.length:
            yield InputError("pre-training predicts no lengths", where="losses.length", fix="set it to 0")

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The noised source, and the rows of the streams, which see nothing that the encoder does not see."""
        if symbols.source_mask is None:
            raise InputError("the dictionary has no <mask>", where="dictionary", fix="add it as the last symbol")
        noised = add_noise(target, self.options.noise, pad=symbols.pad, mask=symbols.source_mask, generator=generator)
        return {
            "source": pack_source(noised.source, symbols.pad),
            "lengths": target.ne(symbols.pad).sum(1),
            "streams": self.streams(target, noised.hidden, symbols),
        }


METHOD = Denoising
