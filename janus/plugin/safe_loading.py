"""The classes in fairseq's checkpoints besides tensors and plain values, allowed so that safe loading can stay on."""

from argparse import Namespace

import torch

torch.serialization.add_safe_globals([Namespace])
