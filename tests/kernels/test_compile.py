"""Every kernel compiles to machine code for a GPU, also where there is none: the interpreter checks no types."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Shared memory that one block of an H100-class GPU can have, in bytes.
SHARED = 227 * 1024
CASES = [
    "attention,bfloat16,128,False",
    "attention,float32,64,False",
    "attention,float16,48,True",
    "loss,bfloat16,3",
    "loss,float32,1",
]


def test_kernels_compile_and_fit_the_shared_memory(tmp_path):
    """In a process of its own: kernels that the interpreter runs cannot be compiled."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_DEFAULT_FP_FUSION": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    script = Path(__file__).with_name("compile_for_gpu.py")
    done = subprocess.run([sys.executable, script, *CASES], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    used = {case: [int(n) for n in numbers] for case, *numbers in map(str.split, done.stdout.splitlines())}
    assert list(used) == CASES
    assert max(max(numbers) for numbers in used.values()) <= SHARED
