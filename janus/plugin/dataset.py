"""A data set whose batches hold what a method packed, prepared by the data-loading workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from fairseq.data import BaseWrapperDataset, FairseqDataset
from torch import Tensor

from janus.noise.masks import batch_generator

# Of source [B, S], target [B, T] and a generator: `Method.pack` for the symbols of a task.
Pack = Callable[[Tensor, Tensor, torch.Generator], dict[str, Any]]


class PackedDataset(BaseWrapperDataset):
    """Wraps pairs or blocks (bos … eos on both sides); each batch gains `packed`.

    Draws are a function of (seed, epoch, batch), where a batch is identified by its first example: workers, resuming
    and the number of GPUs do not change them.
    """

    def __init__(self, dataset: FairseqDataset, pack: Pack, *, seed: int, fixed: bool):
        """fixed: draw the same in every epoch, so that validation losses are comparable."""
        super().__init__(dataset)
        self.pack, self.seed, self.fixed, self.epoch = pack, seed, fixed, 1

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch for the draws of the next batches."""
        super().set_epoch(epoch)
        self.epoch = epoch

    def collater(self, samples: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
        """Collate as the wrapped data set does and add what the method packs."""
        batch = self.dataset.collater(samples, **options)
        if not batch:
            return batch
        generator = batch_generator(self.seed, 0 if self.fixed else self.epoch, int(batch["id"].min()))
        batch["packed"] = self.pack(batch["net_input"]["src_tokens"], batch["target"], generator)
        return batch
