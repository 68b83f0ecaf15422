"""Linear layers with fixed weights on a CPU, stored in oneDNN's own layout.

torch's own layer reorders the weights on every call (or uses a layout that is slow for few rows), which dominates the
time of a decoding step. The operators are private ones of torch, used by its compiler; a layer is left unchanged where
this version of torch does not have them or they do not support its type.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
# The number of rows that the layout is chosen for; a layer still accepts any number.
_ROWS = 8


class PackedLinear(nn.Module):
    """A linear layer with constant weights; inference only."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        # In a tuple, so that torch does not register it: tensors of this layout can be neither saved nor moved.
        self._packed = (torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS),)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., inputs] -> [..., outputs]"""
        return torch.ops.mkldnn._linear_pointwise(x, *self._packed, self.bias, "none", [], "")


def pack_linear_layers(module: M) -> M:
    """Pack the linear layers below `module` in place where this is supported; returns `module`."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear) and can_pack(child.weight):
            setattr(module, name, PackedLinear(child))
        else:
            pack_linear_layers(child)
    return module


def can_pack(weight: Tensor) -> bool:
    """Whether a layer with this weight can be packed."""
    return weight.device.type == "cpu" and weight.dtype == torch.float32 and _is_available()


@cache
def _is_available() -> bool:
    """Whether torch has the operators, with the signatures used here, and they give correct results."""
    try:
        weight, x = torch.eye(3, 2), torch.ones(1, 2)
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, 1)
        return torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "").tolist() == [[1.0, 1.0, 0.0]]
    except (AttributeError, RuntimeError, NotImplementedError, TypeError):
        return False
