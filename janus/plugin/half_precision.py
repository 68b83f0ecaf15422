"""State that half-precision training (`--fp16`) needs to resume exactly: float32 weights, history of the loss scale.

fairseq's checkpoint contains only the half-precision model and the loss scale: a resumed training would start from
rounded weights, and raise the scale at other updates.
"""

from typing import Any

import torch
from torch import Tensor


class MasterWeights:
    """Adds to a task: its part of the checkpoint, taken from the optimiser of the last update."""

    _optimizer: Any = None
    _pending: dict[str, Any] | None = None

    def train_step(self, sample, model, criterion, optimizer, update_num, ignore_grad=False):
        """fairseq's step; the first one after a restart restores the state from the checkpoint."""
        if self._pending:
            restore(optimizer, self._pending)
            self._pending = None
        return super().train_step(sample, model, criterion, optimizer, update_num, ignore_grad)

    def optimizer_step(self, optimizer, model, update_num):
        """fairseq's update; keeps the optimiser for the next checkpoint."""
        self._optimizer = optimizer
        super().optimizer_step(optimizer, model, update_num)

    def get_checkpoint_dict(self) -> dict[str, Any]:
        """Called by fairseq when it saves; empty in float32."""
        return {type(self).__name__: kept(self._optimizer)}

    def set_checkpoint_dict(self, state: dict[str, Any]) -> None:
        """Called by fairseq when it resumes, before the optimiser exists."""
        self._pending = state


def kept(optimizer: Any) -> dict[str, Any]:
    """The float32 weights and the loss scaler's state of fairseq's FP16Optimizer; empty for any other."""
    if not hasattr(optimizer, "fp32_params"):
        return {}
    weights = [weight.detach().cpu() for weight in _weights(optimizer)]
    return {"weights": weights, "scaler": dict(vars(optimizer.scaler)) if optimizer.scaler else {}}


@torch.no_grad()
def restore(optimizer: Any, state: dict[str, Any]) -> None:
    """The inverse of `kept`."""
    for weight, saved in zip(_weights(optimizer), state["weights"], strict=True):
        weight.copy_(saved)
    if optimizer.scaler:
        vars(optimizer.scaler).update(state["scaler"])


def _weights(optimizer: Any) -> list[Tensor]:
    """One flat tensor per device, or one per parameter (`--fp16-no-flatten-grads`)."""
    weights = optimizer.fp32_params
    return list(weights.values()) if isinstance(weights, dict) else list(weights)
