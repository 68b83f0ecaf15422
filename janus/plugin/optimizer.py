"""`--optimizer fused_adamw`: torch's fused AdamW under fairseq's registry, with the arithmetic of fairseq's `adam`."""

from ast import literal_eval
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from fairseq.dataclass import FairseqDataclass
from fairseq.optim import FairseqOptimizer, register_optimizer
from omegaconf import II
from torch import Tensor


@dataclass
class FusedAdamWConfig(FairseqDataclass):
    """The options of fairseq's `adam`, by the same names."""

    adam_betas: str = field(default="(0.9, 0.999)", metadata={"help": "decay of both moments"})
    adam_eps: float = field(default=1e-8, metadata={"help": "term added to the root of the second moment"})
    weight_decay: float = field(default=0.0, metadata={"help": "decoupled weight decay"})
    lr: list[float] = II("optimization.lr")


@register_optimizer("fused_adamw", dataclass=FusedAdamWConfig)
class FusedAdamW(FairseqOptimizer):
    """The Adam of fairseq, with one kernel for all tensors instead of several per tensor."""

    def __init__(self, cfg: FusedAdamWConfig, params):
        super().__init__(cfg)
        self._optimizer = UncorrectedEpsilonAdamW(params, **self.optimizer_config)

    @property
    def optimizer_config(self) -> dict[str, Any]:
        """Options that a resumed training takes from its command line instead of the checkpoint."""
        return {
            "lr": self.cfg.lr[0],
            "betas": literal_eval(self.cfg.adam_betas),
            "eps": self.cfg.adam_eps,
            "weight_decay": self.cfg.weight_decay,
        }


class UncorrectedEpsilonAdamW(torch.optim.AdamW):
    """torch's fused AdamW with fairseq's epsilon.

    fairseq adds epsilon to the root of the second moment v, torch to that of the bias-corrected v / (1 - β₂ᵗ). The
    steps differ at the first updates, and for gradients as small as epsilon. Scaling epsilon by 1 / sqrt(1 - β₂ᵗ)
    before update t makes them equal.
    """

    # fairseq's --fp16 keeps one flat float32 copy of all weights, which elementwise arithmetic allows.
    supports_flat_params = True

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], **options: Any):
        super().__init__(params, fused=True, **options)
        self._updates: dict[Tensor, int] = {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the moments and the number of updates of each tensor."""
        super().load_state_dict(state_dict)
        self._updates = {}

    def step(self, closure=None):
        """One update of every tensor that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self.param_groups
        self.param_groups = [part for group in groups for part in self._parts(group)]
        try:
            super().step()
        finally:
            self.param_groups = groups
        return loss

    def _parts(self, group: dict[str, Any]) -> list[dict[str, Any]]:
        """A parameter group split by the number of the next update: tensors without a gradient skip updates."""
        parts = defaultdict(list)
        for weight in group["params"]:
            if weight.grad is not None:
                parts[self._count(weight)].append(weight)
        beta = group["betas"][1]
        return [
            {**group, "params": weights, "eps": group["eps"] / (1 - beta**update) ** 0.5}
            for update, weights in parts.items()
        ]

    def _count(self, weight: Tensor) -> int:
        """The number of the next update, counted on the host: the counter of the state is on the device."""
        if weight not in self._updates:
            self._updates[weight] = int(self.state[weight]["step"]) if self.state.get(weight) else 0
        self._updates[weight] += 1
        return self._updates[weight]
