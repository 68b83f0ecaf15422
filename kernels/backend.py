"""Which implementation an operator takes: Triton on a GPU, plain PyTorch on a processor.

The device decides, never whether something happens to import: a GPU without Triton is an error, not a slow run.
"""

import importlib.util

import torch


def uses_triton(device: torch.device) -> bool:
    """Whether operators run their Triton kernels on tensors of this device; RuntimeError on a GPU without Triton."""
    if device.type == "cpu":
        return False
    if importlib.util.find_spec("triton") is None:
        raise RuntimeError(f"the operators on {device} need the package triton: install it, or train on a processor")
    return True
