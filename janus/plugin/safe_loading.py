"""What fairseq's checkpoints hold besides tensors and plain values; with it torch's safe loading can stay on."""

from argparse import Namespace

import torch

torch.serialization.add_safe_globals([Namespace])
