"""What a run measures with: models, batches and optimisers of one scale, made when first needed."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY, ARCH_MODEL_REGISTRY, BaseFairseqModel
from fairseq.optim.adam import Adam

from janus.bench.batches import Batch, draw_batches, read_lengths
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer

SMOOTHING = 0.1
_RATE, _DECAY, _BETAS = 1e-4, 1e-4, (0.9, 0.98)
# What models of this engine change in the config.
_OWN: dict[str, dict[str, Any]] = {
    "janus": {},
    "janus-release": {"query_position": "previous", "encoder_passes": 2},
    "transformer": {"ar_readout": "content", "length": "none"},
}


@dataclass(frozen=True)
class Scale:
    """How large everything is: the model, and the target tokens of a batch."""

    words: int = 10_152
    dimension: int = 512
    ffn: int = 1024
    layers: int = 6
    heads: int = 4
    tokens: int = 2048
    dropout: float = 0.3

    def config(self, **options: object) -> TransformerConfig:
        """The engine's configuration of this size."""
        return TransformerConfig(
            self.words,
            self.words,
            dimension=self.dimension,
            encoder_layers=self.layers,
            decoder_layers=self.layers,
            encoder_ffn=self.ffn,
            decoder_ffn=self.ffn,
            encoder_heads=self.heads,
            decoder_heads=self.heads,
            dropout=self.dropout,
            **options,
        )

    def fairseq(self, arch: str) -> tuple[BaseFairseqModel, Dictionary]:
        """A fresh fairseq model of this size, and its dictionary of invented words."""
        words = Dictionary()
        for number in range(self.words - len(words)):
            words.add_symbol(f"w{number}")
        sizes = dict(layers=self.layers, embed_dim=self.dimension, ffn_embed_dim=self.ffn, attention_heads=self.heads)
        options = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in sizes.items()}
        args = Namespace(
            arch=arch, share_all_embeddings=True, dropout=self.dropout, label_smoothing=SMOOTHING, **options
        )
        ARCH_CONFIG_REGISTRY[arch](args)
        task = Namespace(source_dictionary=words, target_dictionary=words)
        return ARCH_MODEL_REGISTRY[arch].build_model(args, task), words


IWSLT = Scale()
TINY = Scale(words=60, dimension=16, ffn=24, layers=2, heads=2, tokens=100)


@dataclass
class Workshop:
    """Models, batches and optimisers of a run, made when first needed; rows of one model share it."""

    scale: Scale
    device: str
    batches: int
    models: dict[str, torch.nn.Module] = field(default_factory=dict)
    optimisers: dict[tuple[str, bool], torch.optim.Optimizer] = field(default_factory=dict)

    @cached_property
    def drawn(self) -> list[Batch]:
        """The batches that all rows train on, on the processor."""
        return draw_batches(self.batches, self.scale.tokens, self.scale.words, read_lengths())

    def model(self, name: str) -> torch.nn.Module:
        """A model of `_OWN`, or the name of a fairseq architecture."""
        if name not in self.models:
            torch.manual_seed(1)
            self.models[name] = self._build(name).to(self.device).train()
        return self.models[name]

    def _build(self, name: str) -> torch.nn.Module:
        if name in _OWN:
            return JanusTransformer(self.scale.config(**_OWN[name]))
        return self.scale.fairseq(name)[0]

    def optimiser(self, model: str, fused: bool) -> torch.optim.Optimizer:
        """fairseq's Adam, whose weight decay is decoupled, or torch's fused one of the same rule."""
        key = model, fused
        if key not in self.optimisers:
            parameters = list(self.model(model).parameters())
            options = dict(lr=_RATE, betas=_BETAS, weight_decay=_DECAY)
            made = torch.optim.AdamW(parameters, fused=True, **options) if fused else Adam(parameters, **options)
            self.optimisers[key] = made
        return self.optimisers[key]
