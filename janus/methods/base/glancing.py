"""How much a method that glances shows (Qian et al., 2021): a share of the distance, which changes during training."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
