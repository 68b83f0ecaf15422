"""fairseq's denoising data set with noise that is a function of the seed, the epoch and the block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from fairseq.data import BaseWrapperDataset, FairseqDataset

from janus.noise.masks import batch_generator


class SeededNoise(BaseWrapperDataset):
    """Wraps fairseq's DenoisingDataset, which seeds the draws of numpy for an item but not those of torch."""

    def __init__(self, dataset: FairseqDataset, seed: int):
        super().__init__(dataset)
        self.seed, self.epoch = seed, 1

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch for the noise of the next items."""
        super().set_epoch(epoch)
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        """A block and its noised source."""
        with default_generator(self.seed, self.epoch, int(index)):
            return self.dataset[index]


@contextmanager
def default_generator(*parts: int) -> Iterator[None]:
    """Seed torch's CPU generator with integers such as (seed, epoch, block), and restore its state afterwards.

    Not thread-safe.
    """
    state = torch.get_rng_state()
    torch.set_rng_state(batch_generator(*parts).get_state())
    try:
        yield
    finally:
        torch.set_rng_state(state)
