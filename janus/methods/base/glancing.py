"""Glancing (Qian et al., 2021): gold tokens are shown where they help, as many as the model's first pass misses.

Axes: B sentences, P cells of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from janus.methods.base.options import option


@dataclass(frozen=True)
class GlanceOptions:
    """The share of the wrong cells that is shown, along the training."""

    glance_first: float = option(0.5, "Share of the distance that is shown at the first update.", minimum=0, maximum=1)
    glance_last: float = option(0.3, "Share after `glance_updates`.", minimum=0, maximum=1)
    glance_updates: int = option(
        0, "Updates over which the share changes linearly; 0 stands for the training's `max_update`.", minimum=0
    )

    def share(self, update: int) -> float:
        """The share of the distance that is shown, after `update` updates."""
        done = min(1.0, update / max(self.glance_updates, 1))
        return self.glance_first + (self.glance_last - self.glance_first) * done

    def of_training(self, training: Mapping[str, Any]) -> Self:
        """The same, until the end of a training with this block if nothing else is said."""
        return replace(self, glance_updates=self.glance_updates or training["max_update"])


def shown_cells(rank: Tensor, wrong: Tensor, sentence: Tensor, sentences: int, share: float) -> Tensor:
    """[P] boolean: the first floor(share * distance) cells of each sentence by `rank` [P].

    The distance is the number of cells that are `wrong` [P]. The product is in float32, as in the authors' code.
    """
    distance = torch.zeros(sentences, device=rank.device).index_add(0, sentence, wrong.float())
    return rank < (distance * share).floor()[sentence]


def ranks(cells: Tensor, generator: torch.Generator) -> Tensor:
    """[P] the place of each of the `cells` [B, T], boolean, in a random order of those of its sentence."""
    keys = torch.rand(cells.shape, generator=generator).masked_fill(~cells, 2.0)
    return keys.argsort(1).argsort(1)[cells]
