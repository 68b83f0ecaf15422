"""Backend selection: Triton on a GPU; on a CPU C++, or PyTorch for dtypes that the C++ does not support.

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
    """The dtype in which matrix products of `x` run: that of autocast if it is enabled, otherwise that of `x`."""
    device_type = x.device.type
    return torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else x.dtype
