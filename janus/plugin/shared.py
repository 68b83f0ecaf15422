"""Shared parts of all tasks: autocast, whole epochs and enough of them, and early stopping."""

from dataclasses import dataclass, field

import torch
from fairseq.dataclass import ChoiceEnum

from janus.plugin.batches import WholeEpochs
from janus.plugin.epochs import EnoughEpochs, EpochOptions
from janus.plugin.half_precision import MasterWeights
from janus.plugin.patience import Patience


@dataclass
class AutocastOption(EpochOptions):
    """The options of `AutocastTask`."""

    autocast: ChoiceEnum(["none", "bfloat16"]) = field(
        default="none",
        metadata={
            "help": "matrix products of training in bfloat16 with float32 weights, on CPUs too (--amp is CUDA's)"
        },
    )


class AutocastTask(EnoughEpochs, WholeEpochs, Patience, MasterWeights):
    """Adds to a task: optional autocast; whole epochs, enough of them, with exact resuming."""

    def train_step(self, sample, model, criterion, optimizer, update_num, ignore_grad=False):
        """fairseq's step, with forward and backward pass under autocast if requested."""
        device = next(model.parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=str(self.cfg.autocast) == "bfloat16"):
            return super().train_step(sample, model, criterion, optimizer, update_num, ignore_grad)
