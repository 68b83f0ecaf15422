"""What every task of this plugin has: autocast, and no lost batch."""

from dataclasses import dataclass, field

import torch
from fairseq.dataclass import ChoiceEnum


@dataclass
class AutocastOption:
    """The option of `AutocastTask`."""

    autocast: ChoiceEnum(["none", "bfloat16"]) = field(
        default="none",
        metadata={
            "help": "matrix products of training in bfloat16 with float32 weights, on CPUs too (--amp is CUDA's)"
        },
    )


class AutocastTask:
    """Adds to a task: training under autocast where asked for; batches of any size."""

    def get_batch_iterator(self, *args, **options):
        """fairseq's batches, of any size: with its default multiple of 8 it drops the last batch of every data set."""
        return super().get_batch_iterator(*args, **{**options, "required_batch_size_multiple": 1})

    def train_step(self, sample, model, criterion, optimizer, update_num, ignore_grad=False):
        """fairseq's step, with the forward and backward pass under autocast where asked for."""
        device = next(model.parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=str(self.cfg.autocast) == "bfloat16"):
            return super().train_step(sample, model, criterion, optimizer, update_num, ignore_grad)
