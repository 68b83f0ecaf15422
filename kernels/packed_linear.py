"""Linear layers for inference on a CPU, with weights prepacked in oneDNN's blocked layout.

nn.Linear reorders the weights on every call (or uses a layout that is slow for few rows), which dominates the time of a
decoding step. The operators are private to torch, whose compiler uses them; a layer is left unchanged if this version
of torch lacks them or they do not support its dtype.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
# The batch size that oneDNN optimises the layout for; the layer accepts any.
_ROWS = 8


class PackedLinear(nn.Module):
    """A linear layer with constant weights; inference only."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        # In a tuple, which nn.Module does not register: tensors in this layout can be neither saved nor moved.
        self._packed = (torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS),)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., inputs] -> [..., outputs]"""
        return torch.ops.mkldnn._linear_pointwise(x, *self._packed, self.bias, "none", [], "")


def pack_linear_layers(module: M) -> M:
    """Replace the linear layers below `module` in place where packing is supported; returns `module`."""
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
