"""The implementation of an operator: Triton on a GPU; C++ on a CPU, or PyTorch for types that the C++ does not support.

The choice depends on the device, not on what can be imported: a GPU without Triton is an error, not a slow run.
"""

import importlib.util

import torch
from torch import Tensor


def uses_triton(device: torch.device) -> bool:
    """Whether operators use Triton on this device. Raises RuntimeError on a GPU without Triton."""
    if device.type == "cpu":
        return False
    if importlib.util.find_spec("triton") is None:
        raise RuntimeError(f"the operators on {device} need the package triton: install it, or use the CPU")
    return True


def product_type(x: Tensor) -> torch.dtype:
    """The type in which matrix products of `x` run: autocast's on its device if that is on, otherwise its own."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
