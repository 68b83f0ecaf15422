"""`--criterion janus_loss`: the joint objective on packed batches."""

from dataclasses import dataclass, field, fields
from typing import Any

import torch
from fairseq import metrics
from fairseq.criterions import FairseqCriterion, register_criterion
from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from torch import Tensor

from janus.objective import Weights, joint_loss, target_tokens
from janus.plugin.dataset import as_source, as_streams
from janus.streams import Streams


def _weight(default: float, text: str) -> Any:
    return field(default=default, metadata={"help": f"weight of {text}"})


@dataclass
class JanusLossConfig(FairseqDataclass):
    """The weights of `janus.objective.Weights`; the defaults are the paper's equations."""

    ar_weight: float = _weight(1.0, "the AR cross entropy (equation 1)")
    nar_weight: float = _weight(1.0, "the NAR cross entropy (equation 2)")
    aux_weight: float = _weight(1.0, "the AUX cross entropy (equation 3)")
    kl_ar_aux_weight: float = _weight(2.0, "J(AR, AUX), the mean of both directions (equation 4 is 2)")
    kl_nar_aux_weight: float = _weight(2.0, "J(NAR, AUX) (equation 4 is 2)")
    kl_ar_nar_weight: float = _weight(0.0, "J(AR, NAR), the direct divergence")
    length_weight: float = _weight(0.1, "the length classifier")
    correction_weight: float = _weight(0.0, "the correction loss of CMLMC")
    label_smoothing: float = field(default=0.1, metadata={"help": "share spread evenly over the vocabulary"})
    reduction: ChoiceEnum(["sum", "mean"]) = field(
        default="sum",
        metadata={"help": "what a term is: the sum over its tokens (equations 1 to 4), or their mean (the release)"},
    )


def weights_of(cfg: JanusLossConfig) -> Weights:
    """The loss weights in the options of the criterion."""
    return Weights(**{f.name: getattr(cfg, f"{f.name}_weight") for f in fields(Weights)})


@register_criterion("janus_loss", dataclass=JanusLossConfig)
class JanusLoss(FairseqCriterion):
    """The joint objective of a batch, for fairseq's trainer.

    With `reduction: sum` the sample size of a batch is its number of target tokens: fairseq divides the gradients of an
    update by their sum. With `mean` every batch has the same weight (sample size 1), as in the release.
    """

    def __init__(self, cfg: JanusLossConfig, task):
        super().__init__(task)
        self.weights, self.smoothing, self.reduction = weights_of(cfg), cfg.label_smoothing, str(cfg.reduction)

    def forward(self, model, sample, reduce: bool = True) -> tuple[Tensor, int, dict[str, Any]]:
        """The loss of one packed batch, its sample size, and what is logged."""
        packed = sample["packed"]
        source, streams = as_source(packed["source"]), as_streams(packed["streams"])
        if "draft" in packed:
            streams = _corrupt(model, source, streams, packed["draft"])
        states = model(source, streams)
        total, terms = joint_loss(states, packed["lengths"], self.weights, self.smoothing, reduction=self.reduction)
        size = target_tokens(states, packed["lengths"]) if self.reduction == "sum" else 1
        total = total * size
        logged = {f"term_{name}": value.detach() * size for name, value in terms.items()}
        logged.update(loss=total.detach(), ntokens=sample["ntokens"], nsentences=sample["nsentences"], sample_size=size)
        return total, size, logged

    @staticmethod
    def reduce_metrics(logging_outputs: list[dict[str, Any]]) -> None:
        """Average the total and each term over batches by their sample sizes, in nats."""
        count = sum(log.get("sample_size", 0) for log in logging_outputs)
        for name in logging_outputs[0]:
            if name == "loss" or name.startswith("term_"):
                value = sum(float(log.get(name, 0)) for log in logging_outputs) / count
                metrics.log_scalar(name.replace("term_", "loss_"), value, count, round=4)

    @staticmethod
    def logging_outputs_can_be_summed() -> bool:
        """All entries are numbers that add up over batches and processes."""
        return True


@torch.no_grad()
def _corrupt(model, source, streams: Streams, draft: dict[str, Any]) -> Streams:
    """Replace the corrupted tokens by the model's own predictions from fully masked canvases."""
    training = model.training
    model.eval()
    predicted = model.project(model(source, as_streams(draft["streams"])).nar).argmax(-1)
    model.train(training)
    token = streams.token.index_copy(0, streams.corrected_rows, predicted[draft["predictions"]])
    return Streams(**{**vars(streams), "token": token})
