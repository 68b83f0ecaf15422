"""The threads of a process that has loaded PyTorch before it knew how many it may use."""

import os
import sys


def set_threads() -> None:
    """Let an OpenMP that is loaded already use OMP_NUM_THREADS of the environment, which it reads when it is loaded."""
    if "torch" in sys.modules and "OMP_NUM_THREADS" in os.environ:
        sys.modules["torch"].set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
