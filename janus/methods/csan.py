"""Convolutional self-attention (Yang et al., 2019): `joint` with windows in the lower encoder layers.

In these layers a row sees the places within half a window of its own, and, in two dimensions, head h also keys and
values of the heads within half a window of h, under one softmax. There are no new parameters. No code of the authors
is public. Axes: P rows, G sentences, H heads, W width of the padded grid, E units of a head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from janus.methods.base.options import option
from janus.methods.joint import Joint, JointOptions
from janus.model.attention import View
from janus.model.config import TransformerConfig
from janus.model.dropout import dropout as drop
from janus.model.ragged import Ragged
from janus.model.transformer import Encoder, JanusTransformer


@dataclass(frozen=True)
class WindowOptions(JointOptions):
    """Those of joint training, and the windows."""

    window_places: int = option(11, "Places that a row sees; half of them, rounded down, on either side.", minimum=1)
    window_heads: int = option(
        3,
        "Heads whose keys and values a head sees, half of them, rounded down, on either side; 1 is its own.",
        minimum=1,
    )
    window_layers: int = option(3, "Encoder layers with windows, from the lowest.", minimum=0)


@dataclass(frozen=True)
class WindowConfig(TransformerConfig):
    """A Transformer whose lower encoder layers have windows; see `WindowOptions`."""

    window_places: int = 1
    window_heads: int = 1
    window_layers: int = 0


@dataclass(frozen=True)
class WindowView(View):
    """A view in which each head also sees the keys of `reach` heads on either side."""

    reach: int = 0

    def attend(self, q: Tensor, k: Tensor, v: Tensor, heads: int, dropout: float) -> Tensor:
        """As `View.attend`; without neighbours in its operator, else over the keys of all heads in reach."""
        if not self.reach:
            return super().attend(q, k, v, heads, dropout)
        # [G, H, W, E], and of all heads in reach [G, H, N W, E] for N neighbours
        q, k, v = (self.queries.pad(x).unflatten(2, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        offsets = range(-self.reach, self.reach + 1)
        keys, values = (torch.cat([_shifted(x, offset) for offset in offsets], 2) for x in (k, v))
        scores = (q * q.size(-1) ** -0.5) @ keys.transpose(2, 3)
        weights = scores.masked_fill(~self._seen(heads, offsets), -torch.inf).softmax(-1)
        return self.queries.unpad((drop(weights, dropout) @ values).transpose(1, 2).flatten(2))

    def _seen(self, heads: int, offsets: range) -> Tensor:
        """[G, H, W, N W] boolean: the places in the window, of heads that exist."""
        assert self.visible is not None
        head = torch.arange(heads, device=self.visible.device)
        exists = [(head + offset >= 0) & (head + offset < heads) for offset in offsets]
        return torch.cat([self.visible[:, None] & one[None, :, None, None] for one in exists], 3)


def _shifted(grid: Tensor, offset: int) -> Tensor:
    """[G, H, W, E] with head h + offset in place of head h; zeros where there is none."""
    moved = F.pad(grid, (0, 0, 0, 0, max(-offset, 0), max(offset, 0)))
    return moved[:, max(offset, 0) :][:, : grid.size(1)]


def window_view(layout: Ragged, places: int, heads: int) -> WindowView:
    """The view of a layout on itself with windows of places and heads."""
    row, bounds = torch.arange(layout.group.numel(), device=layout.group.device), layout.bounds()
    start = torch.maximum(row - places // 2, bounds[layout.group])
    end = torch.minimum(row + places // 2 + 1, bounds[layout.group + 1])
    return WindowView(layout, layout, F.pad(torch.stack([start, end], 1), (0, 2)).int(), reach=heads // 2)


class WindowEncoder(Encoder):
    """An encoder whose lower layers have windows."""

    def views(self, layout: Ragged) -> list[View]:
        """Windows in the lowest layers, whole sentences above; fewer windows if there are fewer layers."""
        config, plain = self.config, super().views(layout)
        assert isinstance(config, WindowConfig)
        narrow = window_view(layout, config.window_places, config.window_heads)
        return [narrow if number < config.window_layers else view for number, view in enumerate(plain)]


class WindowTransformer(JanusTransformer):
    """The Transformer with windows; its parameters are the plain one's."""

    encoder_class = WindowEncoder


class Csan(Joint):
    """Joint training, or any part of it, with windows in the encoder."""

    Options = WindowOptions
    options: WindowOptions
    network = WindowTransformer

    def configure(self, config: TransformerConfig) -> WindowConfig:
        """The config of joint training with the windows."""
        own = self.options
        windows = {name: getattr(own, name) for name in ("window_places", "window_heads", "window_layers")}
        return WindowConfig(**vars(super().configure(config)), **windows)


METHOD = Csan
