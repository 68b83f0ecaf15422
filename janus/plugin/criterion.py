"""`--criterion janus`: the loss of the task's method on packed batches."""

from dataclasses import dataclass, field
from typing import Any

from fairseq import metrics
from fairseq.criterions import FairseqCriterion, register_criterion
from fairseq.dataclass import FairseqDataclass
from torch import Tensor

from janus.methods.base.method import Step


@dataclass
class MethodLossConfig(FairseqDataclass):
    """What every method's loss reads; its own options are those of the task."""

    label_smoothing: float = field(default=0.1, metadata={"help": "share spread evenly over the vocabulary"})


@register_criterion("janus", dataclass=MethodLossConfig)
class MethodLoss(FairseqCriterion):
    """The loss of a method, for fairseq's trainer: fairseq divides the gradients of an update by the summed sizes."""

    def __init__(self, cfg: MethodLossConfig, task):
        super().__init__(task)
        self.smoothing = cfg.label_smoothing

    def forward(self, model, sample, reduce: bool = True) -> tuple[Tensor, int, dict[str, Any]]:
        """The loss of one packed batch times its size, the size, and what is logged."""
        step = Step(self.task.updates, self.smoothing, model.training)
        loss = self.task.method.loss(model, sample["packed"], step)
        total = loss.total * loss.size
        logged = {f"term_{name}": value.detach() * loss.size for name, value in loss.terms.items()}
        counts = {"ntokens": sample["ntokens"], "nsentences": sample["nsentences"], "sample_size": loss.size}
        return total, loss.size, {**logged, "loss": total.detach(), **counts}

    @staticmethod
    def reduce_metrics(logging_outputs: list[dict[str, Any]]) -> None:
        """Average the total and each term over batches by their sizes, in nats."""
        count = sum(log.get("sample_size", 0) for log in logging_outputs)
        for name in logging_outputs[0]:
            if name == "loss" or name.startswith("term_"):
                value = sum(float(log.get(name, 0)) for log in logging_outputs) / count
                metrics.log_scalar(name.replace("term_", "loss_"), value, count, round=4)

    @staticmethod
    def logging_outputs_can_be_summed() -> bool:
        """All entries are numbers that add up over batches and processes."""
        return True
