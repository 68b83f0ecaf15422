"""What the tasks of this plugin share: autocast and no lost batch; of the joint ones, the place of the AR queries."""

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


class JointTask:
    """Adds to a task: `query_position`, where the model's AR queries stand, which the packed batches must follow."""

    query_position: str

    def build_model(self, cfg, from_checkpoint: bool = False):
        """fairseq's model, whose query position is remembered."""
        model = super().build_model(cfg, from_checkpoint)
        self.query_position = model.config.query_position
        return model
