"""Where Triton's kernels are tested: on the GPU if there is one, else in Triton's interpreter on the processor."""

import os

import pytest
import torch

if not torch.cuda.is_available():
    # Read when a kernel is decorated, so before any test imports one.
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture
def device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
