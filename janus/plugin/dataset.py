"""A language pair whose batches contain masks and packed streams, prepared by the data-loading workers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from fairseq.data import BaseWrapperDataset, FairseqDataset
from torch import Tensor

from janus.masking import batch_generator, maskable, span_mask, uniform_mask
from janus.ragged import Ragged, Source
from janus.streams import Streams, pack_canvas, pack_streams


@dataclass(frozen=True)
class Packing:
    """The conversion of a target batch to decoder rows.

    masking: `span` or `uniform`; budget and poisson belong to spans. corruption: share of the observed tokens that a
    correction loss replaces. ar, nar, aux: the streams a loss reads. query_position, ar_readout: see
    `janus.streams.pack_streams`. pad, mask: symbols. seed: of the run.
    """

    seed: int
    pad: int
    mask: int
    ar: bool
    nar: bool
    aux: bool
    query_position: str
    ar_readout: str
    masking: str
    budget: float
    poisson: float
    corruption: float

    def masked(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """[B, T] boolean: the tokens masked in this step; real unknown words look like masks and count as such."""
        if self.masking == "span":
            drawn = span_mask(target, pad=self.pad, budget=self.budget, poisson=self.poisson, generator=generator)
        else:
            drawn = uniform_mask(target, pad=self.pad, generator=generator)
        return drawn | (target.eq(self.mask) & maskable(target, pad=self.pad))

    def pack(self, source: Tensor, target: Tensor, generator: torch.Generator) -> dict[str, Any]:
        """Everything the criterion feeds the model, as plain containers that fairseq can move between devices."""
        masked = self.masked(target, generator)
        packed: dict[str, Any] = {"source": as_dict(Source.of(source, self.pad)), "lengths": target.ne(self.pad).sum(1)}
        corrupted = None
        if self.corruption:
            observed = maskable(target, pad=self.pad) & ~masked
            corrupted = observed & (torch.rand(target.shape, generator=generator) < self.corruption)
            packed["draft"] = self._draft(target, corrupted)
        packed["streams"] = asdict(
            pack_streams(
                target,
                masked,
                pad=self.pad,
                mask=self.mask,
                ar=self.ar,
                nar=self.nar,
                aux=self.aux,
                query_position=self.query_position,
                ar_readout=self.ar_readout,
                corrupted=corrupted,
            )
        )
        return packed

    def _draft(self, target: Tensor, corrupted: Tensor) -> dict[str, Any]:
        """Fully masked canvases whose predictions replace the corrupted tokens (CMLMC), and the rows of those."""
        inner = maskable(target, pad=self.pad)
        canvas = pack_canvas(
            target.masked_fill(inner, self.mask), torch.arange(target.size(0)), pad=self.pad, mask=self.mask
        )
        rows = (inner.flatten().cumsum(0) - 1).view_as(inner)
        return {"streams": asdict(canvas), "predictions": rows[corrupted]}


def as_dict(source: Source) -> dict[str, Any]:
    """A Source as nested dictionaries of tensors."""
    return asdict(source)


def as_source(packed: dict[str, Any]) -> Source:
    """The inverse of `as_dict`."""
    return Source(packed["token"], packed["position"], Ragged(**packed["layout"]))


def as_streams(packed: dict[str, Any]) -> Streams:
    """Streams from the dictionary a batch carries."""
    return Streams(**packed)


class JointDataset(BaseWrapperDataset):
    """Wraps fairseq's LanguagePairDataset (bos on both sides); each batch gains `packed`.

    Masks are a function of (seed, epoch, batch), where a batch is identified by its first example: workers, resuming
    and the number of GPUs do not change them.
    """

    def __init__(self, dataset: FairseqDataset, packing: Packing, *, fixed: bool):
        """fixed: draw the same masks in every epoch, so that validation losses are comparable."""
        super().__init__(dataset)
        self.packing, self.fixed, self.epoch = packing, fixed, 1

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch for the masks of the next batches."""
        super().set_epoch(epoch)
        self.epoch = epoch

    def collater(self, samples: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
        """Collate as the wrapped dataset does and add the packed streams."""
        batch = self.dataset.collater(samples, **options)
        if not batch:
            return batch
        epoch = 0 if self.fixed else self.epoch
        generator = batch_generator(self.packing.seed, epoch, int(batch["id"].min()))
        batch["packed"] = self.packing.pack(batch["net_input"]["src_tokens"], batch["target"], generator)
        return batch
