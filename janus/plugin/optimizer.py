"""`--optimizer fused_adamw`: torch's fused AdamW under fairseq's registry."""

from ast import literal_eval
from dataclasses import dataclass, field
from typing import Any

import torch
from fairseq.dataclass import FairseqDataclass
from fairseq.optim import FairseqOptimizer, register_optimizer
from omegaconf import II


@dataclass
class FusedAdamWConfig(FairseqDataclass):
    """The options of fairseq's `adam`, by the same names."""

    adam_betas: str = field(default="(0.9, 0.999)", metadata={"help": "decay of both moments"})
    adam_eps: float = field(default=1e-8, metadata={"help": "term added to the root of the second moment"})
    weight_decay: float = field(default=0.0, metadata={"help": "decoupled weight decay"})
    lr: list[float] = II("optimization.lr")


@register_optimizer("fused_adamw", dataclass=FusedAdamWConfig)
class FusedAdamW(FairseqOptimizer):
    """Adam as fairseq's own computes it, all tensors in one kernel; that one launches several kernels a tensor."""

    def __init__(self, cfg: FusedAdamWConfig, params):
        super().__init__(cfg)
        self._optimizer = torch.optim.AdamW(params, fused=True, **self.optimizer_config)

    @property
    def optimizer_config(self) -> dict[str, Any]:
        """What a resumed training takes from its command line and not from the checkpoint."""
        return {
            "lr": self.cfg.lr[0],
            "betas": literal_eval(self.cfg.adam_betas),
            "eps": self.cfg.adam_eps,
            "weight_decay": self.cfg.weight_decay,
        }
