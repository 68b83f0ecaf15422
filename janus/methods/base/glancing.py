"""How much a method that glances shows (Qian et al., 2021): a share of the distance, which changes during training.

Axes: B sentences, T target places, P cells of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from janus.methods.base.method import Method, Training
from janus.methods.base.options import option


@dataclass(frozen=True)
class GlanceOptions:
    """The share of the distance between the first pass and the target that is shown to the second."""

    glance_first: float = option(
        0.0, "Share of the distance that is shown at the first update; 0.5 in the paper.", minimum=0, maximum=1
    )
    glance_last: float = option(0.0, "Share after `glance_updates`; 0.3 in the paper.", minimum=0, maximum=1)
    glance_updates: int = option(
        0, "Updates over which the share changes linearly; 0 stands for the training's `max_update`.", minimum=0
    )

    @property
    def glances(self) -> bool:
        """Whether anything is ever shown."""
        return max(self.glance_first, self.glance_last) > 0

    def share(self, update: int) -> float:
        """The share of the distance that is shown, after `update` updates."""
        done = min(1.0, update / max(self.glance_updates, 1))
        return self.glance_first + (self.glance_last - self.glance_first) * done


class GlancingMethod(Method):
    """A method whose share changes until the end of the training, if nothing else is said."""

    options: GlanceOptions

    def arguments(self, training: Training) -> list[str]:
        """As of every method, with the updates written out."""
        updates = self.options.glance_updates or training.training["max_update"]
        return Method.arguments(type(self)(replace(self.options, glance_updates=updates)), training)


def ranks(cells: Tensor, generator: torch.Generator) -> Tensor:
    """[P] the place of each of the `cells` [B, T], boolean, in a random order of those of its sentence."""
    keys = torch.rand(cells.shape, generator=generator).masked_fill(~cells, 2.0)
    return keys.argsort(1).argsort(1)[cells]


def shown_cells(rank: Tensor, wrong: Tensor, sentence: Tensor, sentences: int, share: float) -> Tensor:
    """[P] boolean: the first floor(share * distance) cells of each sentence by `rank` [P].

    The distance is the number of cells that are `wrong` [P]. The product is in float32, as in the code of GLAT.
    """
    distance = torch.zeros(sentences, device=rank.device).index_add(0, sentence, wrong.float())
    return rank < (distance * share).floor()[sentence]
