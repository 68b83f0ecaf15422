"""Loading of fairseq's checkpoints without executing what they hold, whatever the environment asks for.

The one class besides tensors and plain values is allowed, so that safe loading can stay on.
"""

import os
from argparse import Namespace

import torch

# fairseq leaves the choice to torch, and torch to its environment.
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
torch.serialization.add_safe_globals([Namespace])
