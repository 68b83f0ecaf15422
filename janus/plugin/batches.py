"""The batches of an epoch: every sentence is in one of them, and an interruption does not change them."""

from __future__ import annotations

import atexit
from operator import itemgetter
from typing import Any
from weakref import WeakSet

import numpy as np
from fairseq.data import FairseqDataset
from fairseq.data.iterators import EpochBatchIterator

from janus.errors import InputError

_made: WeakSet[EpochBatchIterator] = WeakSet()


class WholeEpochs:
    """Adds to a task: fairseq's batches without omissions, and unchanged by a restart.

    In fairseq itself, an uninterrupted training shuffles the batches drawn in its first epoch, and a resumed one draws
    others, depending on the epoch in which it continues. Data-loading workers that outlive an epoch are not told of the
    next one, so whatever a data set draws by epoch repeats. A thread collates ahead of the training: its draws from
    global generators depend on timing, and the process aborts if the thread is collating at exit.
    """

    def get_batch_iterator(
        self,
        dataset: FairseqDataset,
        max_tokens: int | None = None,
        max_sentences: int | None = None,
        max_positions: Any = None,
        *,
        epoch: int = 1,
        **options: Any,
    ) -> EpochBatchIterator:
        """fairseq's batches of any size, drawn from the seed alone, collated by worker processes or between updates.

        `data_buffer_size`, `required_batch_size_multiple` (whose default of 8 drops up to seven sentences) and
        `ignore_invalid_inputs` are ignored. Raises InputError if a sentence exceeds the model or a batch; fairseq would
        skip it.
        """
        refuse_long(dataset, self._place_of(dataset), max_tokens, max_positions)
        known = self.dataset_to_epoch_iter.get(dataset)
        options |= {"epoch": 1, "data_buffer_size": 0, "required_batch_size_multiple": 1}
        iterator = super().get_batch_iterator(dataset, max_tokens, max_sentences, max_positions, **options)
        if iterator is not known:
            dataset.set_epoch(epoch)
            iterator.epoch = max(epoch, 1)
            # New workers in each epoch, which see the current state of the data set.
            iterator.reuse_dataloader = iterator.persistent_workers = False
            _made.add(iterator)
        return iterator

    def _place_of(self, dataset: FairseqDataset) -> str:
        return next((f"{name} split" for name, loaded in self.datasets.items() if loaded is dataset), "input")


@atexit.register
def stop_loading() -> None:
    """End the workers of epochs that were not read completely, and on a GPU the thread that pins their batches.

    At interpreter shutdown such a thread could be in the middle of a batch, which aborts the process.
    """
    for iterator in list(_made):
        iterator._cur_epoch_itr = iterator._next_epoch_itr = None


def refuse_long(dataset: FairseqDataset, place: str, max_tokens: int | None, max_positions: Any) -> None:
    """Raise InputError, with their number and the first one, if sentences exceed a batch or the model's positions.

    max_positions: fairseq's, a number or a pair for source and target; either may be None for no bound.
    """
    sizes = np.asarray(dataset.sizes).reshape(len(dataset), -1)
    bounds = max_positions if isinstance(max_positions, (tuple, list)) else [max_positions] * 2
    names = ("source", "target")
    if sizes.shape[1] == 1:
        names, bounds = ("text",), [min((b for b in bounds if b is not None), default=None)]
    for name, lengths, bound in zip(names, sizes.T, bounds):
        limits = [
            (max_tokens, "a batch's limit", "raise --max-tokens"),
            (bound, "the model's limit", "raise --max-source-positions or --max-target-positions"),
        ]
        # With equal limits, that of the batch is named: fairseq limits the positions to it beforehand.
        for limit, whose, remedy in sorted((entry for entry in limits if entry[0] is not None), key=itemgetter(0))[:1]:
            _refuse(np.flatnonzero(lengths > limit), lengths, f"{whose} is {limit}", name, place, remedy)


def _refuse(long: np.ndarray, lengths: np.ndarray, limit: str, name: str, place: str, remedy: str) -> None:
    if long.size:
        others = f" ({long.size} such sentences)" if long.size > 1 else ""
        raise InputError(
            f"sentence {long[0] + 1} of the {name} has {lengths[long[0]]} tokens, {limit}{others}",
            where=place,
            fix=f"shorten it in the preparation or {remedy}",
        )
