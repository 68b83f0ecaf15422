"""The rows of the training benchmark: systems, rivals, and the steps from the release's habits to this engine's."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from fairseq.criterions.label_smoothed_cross_entropy import LabelSmoothedCrossEntropyCriterion
from fairseq.criterions.nat_loss import LabelSmoothedDualImitationCriterion
from torch import Tensor

from janus.bench.batches import PAD, UNK, Batch
from janus.bench.memory import keep_freed_memory
from janus.bench.release_step import Measures, PaddedBatch, release_loss, whole_loss
from janus.bench.workshop import SMOOTHING, Workshop
from janus.methods.base.joint_loss import PAPER, RELEASE, Weights, joint_loss, length_loss
from janus.model.flops import CMLM, JANUS, TRANSFORMER, necessary_work

_FAIRSEQ_AR, _FAIRSEQ_CMLM = "transformer_iwslt_de_en", "cmlm_transformer"
_AR, _CMLM = Weights(ar=1), Weights(nar=1, length=0.1)


# Builds, for a workshop, the function that computes the loss of batch i.
Losses = Callable[[Workshop], Callable[[int], Tensor]]


@dataclass(frozen=True)
class System:
    """One row.

    name, label: for files and for readers. kinds: the decoder rows its losses need. model: of the workshop. fused:
    torch's fused AdamW instead of fairseq's Adam. keeps: whether freed memory stays with the process. autocast: the
    type of matrix products, None for float32.
    """

    name: str
    label: str
    kinds: frozenset[int]
    losses: Losses
    model: str = "janus"
    fused: bool = False
    keeps: bool = True
    autocast: torch.dtype | None = None

    def in_bfloat16(self) -> System:
        """The same row with its matrix products in bfloat16."""
        return replace(self, name=f"{self.name}-bfloat16", label=f"{self.label}, bfloat16", autocast=torch.bfloat16)


def prepare_update(system: System, shop: Workshop) -> Callable[[int], None]:
    """A function that runs the update of batch i: losses, gradients, optimiser."""
    loss = system.losses(shop)
    optimiser = shop.optimiser(system.model, system.fused)
    kind = torch.device(shop.device).type

    def update(i: int) -> None:
        if kind == "cpu":
            keep_freed_memory(system.keeps)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(kind, system.autocast or torch.bfloat16, enabled=system.autocast is not None):
            loss(i).backward()
        optimiser.step()

    return update


def multiply_adds(system: System, shop: Workshop) -> int:
    """What the updates of all batches need together."""
    config = shop.scale.config()
    return sum(necessary_work(config, system.kinds, *batch.counts()).update for batch in shop.drawn)


def _packed(model: str, weights: Weights, *, whole: bool = False) -> Losses:
    """This engine's step; whole: with its losses on whole tensors."""

    def build(shop: Workshop) -> Callable[[int], Tensor]:
        core = shop.model(model)
        reads = dict(ar=weights.reads_ar, nar=weights.reads_nar, aux=weights.reads_aux)
        position = core.config.query_position
        inputs = [
            (
                batch.packed_source().to(shop.device),
                batch.packed_streams(**reads, query_position=position).to(shop.device),
                batch.target.ne(PAD).sum(1).to(shop.device),
            )
            for batch in shop.drawn
        ]

        def loss(i: int) -> Tensor:
            source, streams, lengths = inputs[i]
            states = core(source, streams)
            if not whole:
                return joint_loss(states, lengths, weights, SMOOTHING)[0]
            logits = (core.project(states.hidden[name]) for name in ("ar", "nar", "aux"))
            labels = states.read["ar"].labels, states.read["nar"].labels, states.read["ar"].masked
            total = whole_loss(*logits, *labels, weights, SMOOTHING)
            return total + weights.length * length_loss(states.length, lengths)

        return loss

    return build


def _plain(shop: Workshop) -> Callable[[int], Tensor]:
    """A plain Transformer in this engine: content rows that are read themselves."""
    core = shop.model("transformer")
    inputs = [
        (
            batch.packed_source().to(shop.device),
            batch.packed_streams(nar=False, aux=False, ar_readout="content").to(shop.device),
            batch.target.ne(PAD).sum(1).to(shop.device),
        )
        for batch in shop.drawn
    ]

    def loss(i: int) -> Tensor:
        source, streams, lengths = inputs[i]
        return joint_loss(core(source, streams), lengths, _AR, SMOOTHING)[0]

    return loss


def _release(measures: Measures) -> Losses:
    """The rebuilt step of the release, some of its habits undone."""

    def build(shop: Workshop) -> Callable[[int], Tensor]:
        core = shop.model("janus-release")
        inputs = [
            PaddedBatch.of(batch.source, batch.target, batch.masked, pad=PAD, mask=UNK, own=False).to(shop.device)
            for batch in shop.drawn
        ]
        return lambda i: release_loss(core, inputs[i], RELEASE, SMOOTHING, measures)

    return build


def _fairseq(arch: str) -> Losses:
    """fairseq's own model and criterion on the same batches, with the same masks."""

    def build(shop: Workshop) -> Callable[[int], Tensor]:
        model = shop.model(arch)
        task = Namespace(target_dictionary=model.decoder.dictionary)
        if arch == _FAIRSEQ_CMLM:
            criterion = LabelSmoothedDualImitationCriterion(task, SMOOTHING)
        else:
            criterion = LabelSmoothedCrossEntropyCriterion(task, sentence_avg=False, label_smoothing=SMOOTHING)
        samples = [_sample(batch, arch, shop.device) for batch in shop.drawn]

        def loss(i: int) -> Tensor:
            total, size, _ = criterion(model, samples[i])
            return total / size

        return loss

    return build


def _sample(batch: Batch, arch: str, device: str) -> dict[str, Any]:
    """The batch in fairseq's words."""
    source, target, masked = (x.to(device) for x in (batch.source, batch.target, batch.masked))
    inputs = {"src_tokens": source, "src_lengths": source.ne(PAD).sum(1)}
    counts = {"nsentences": target.size(0), "ntokens": batch.tokens}
    if arch == _FAIRSEQ_CMLM:
        return {"net_input": inputs, "target": target, "prev_target": target.masked_fill(masked, UNK), **counts}
    return {
        "net_input": {**inputs, "prev_output_tokens": target[:, :-1]},
        "target": target[:, 1:].contiguous(),
        **counts,
    }


SYSTEMS = (
    System("transformer-fairseq", "Transformer, fairseq", TRANSFORMER, _fairseq(_FAIRSEQ_AR), _FAIRSEQ_AR),
    System("transformer", "Transformer, this engine", TRANSFORMER, _plain, "transformer"),
    System("cmlm-fairseq", "CMLM, fairseq", CMLM, _fairseq(_FAIRSEQ_CMLM), _FAIRSEQ_CMLM),
    System("cmlm", "CMLM, this engine", CMLM, _packed("janus", _CMLM)),
    System("janus-release", "JANUS (release)", JANUS, _packed("janus-release", RELEASE), "janus-release"),
    System("janus-paper", "JANUS (paper)", JANUS, _packed("janus", PAPER)),
)

_MASKS = Measures(vector_masks=True)
_KEYS = replace(_MASKS, keys_once=True)
_READ = replace(_KEYS, read_only=True)
_DROPOUT = replace(_READ, cheap_dropout=True)


def ladder(device: str) -> list[System]:
    """From the release's step to JANUS (release) and JANUS (paper), one measure a row; the last goes beyond both."""
    steps = [
        ("step", "the release's step, rebuilt", Measures(), False),
        ("memory", "+ freed memory stays with the process", Measures(), True),
        ("masks", "+ masks without a loop", _MASKS, True),
        ("keys", "+ keys and values projected once", _KEYS, True),
        ("read", "+ only rows scored that are read", _READ, True),
        ("dropout", "+ dropout from 16 random bits", _DROPOUT, True),
    ]
    if device.startswith("cuda"):
        # Both are measures for processors.
        steps = [step for step in steps if step[0] not in ("memory", "dropout")]
    rows = [
        System(f"ladder-{name}", label, JANUS, _release(measures), "janus-release", keeps=keeps)
        for name, label, measures, keeps in steps
    ]
    by_name = {system.name: system for system in SYSTEMS}
    packed = _packed("janus-release", RELEASE, whole=True)
    paper = by_name["janus-paper"]
    return [
        *rows,
        System("ladder-packed", "+ rows without padding, streams in one pass", JANUS, packed, "janus-release"),
        replace(by_name["janus-release"], label="+ losses in chunks: JANUS (release)"),
        replace(paper, label="+ one encoder pass: JANUS (paper)"),
        replace(paper, name="janus-paper-fused", label="+ fused optimiser", fused=True),
    ]
