"""The arithmetic of a batch, counted: what a method sends through the model, at the sizes of a tier.

A method of this suite is run once on a few made sentences with a narrow network, and what enters its encoder and its
decoder is written down; a method of fairseq's own models is counted as the Transformer or the CMLM that it is. All
counts are of one sentence. Sums, norms, softmaxes and what a method adds to the network are not counted
(`janus.model.flops`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import torch
from torch import Tensor

from janus.config.systems import method_of
from janus.methods.base.batch import Symbols
from janus.methods.base.method import BaseMethod, Method, Step
from janus.methods.base.words import as_json
from janus.model.config import TransformerConfig
from janus.model.flops import work_of_rows
from janus.model.rows import DecoderRows

_SENTENCES, _WORDS = 4, 40
# Of the target, in a method of fairseq's: its masks are uniform.
_MASKED = 0.5
# Flows that were counted: by method, options and lengths.
_KNOWN: dict[tuple[str, str, int, int], "Flow"] = {}


@dataclass(frozen=True)
class Pass:
    """One decoder pass, for one sentence: rows, content rows, pairs of rows that see each other, rows that are read.

    learns: whether it has a gradient.
    """

    asking: float
    answering: float
    seen: float
    read: float
    learns: bool


@dataclass(frozen=True)
class Flow:
    """What one update of a method sends through the model, for one sentence of `source` rows."""

    source: float
    encoder_passes: int
    passes: tuple[Pass, ...]

    @property
    def rows(self) -> float:
        """Rows of encoder and decoder that keep activations."""
        return self.encoder_passes * self.source + sum(one.asking for one in self.passes if one.learns)

    def multiply_adds(self, config: TransformerConfig) -> float:
        """Multiply-adds of the update."""
        total, scale = 0.0, 1000
        for number, one in enumerate(self.passes):
            work = work_of_rows(
                config,
                sources=round(scale * self.source),
                source_pairs=round(scale * self.source**2),
                asking=round(scale * one.asking),
                answering=round(scale * one.answering),
                pairs=round(scale * (one.seen + one.asking * self.source)),
                read=round(scale * one.read),
                sentences=scale,
            )
            encoder = 3 * (self.encoder_passes if number == 0 else 0) * work.encoder
            total += encoder + (3 if one.learns else 1) * (work.forward - work.encoder)
        return total / scale


def flow_of(method: BaseMethod, source: int, target: int) -> Flow:
    """The flow of a method's update on sentences of as many tokens, without bos and eos."""
    key = method.name, as_json(method.plain_options), source, target
    if key not in _KNOWN:
        _KNOWN[key] = (_watched if isinstance(method, Method) else _fairseqs)(method, source, target)
    return _KNOWN[key]


def shape(system: Mapping[str, Any], model: Mapping[str, Any], vocabulary: int) -> TransformerConfig:
    """The shape of a system's model from the block `model` of its settings."""
    config = TransformerConfig(
        vocabulary,
        vocabulary,
        dimension=model["embed_dim"],
        encoder_layers=model.get("encoder_layers", model["layers"]),
        decoder_layers=model.get("decoder_layers", model["layers"]),
        encoder_ffn=model["ffn_dim"],
        decoder_ffn=model["ffn_dim"],
        encoder_heads=model["heads"],
        decoder_heads=model["heads"],
        length_classes=model["length_classes"],
    )
    method = method_of(system)
    return method.configure(config) if isinstance(method, Method) else config


@cache
def parameters(config: TransformerConfig) -> int:
    """Weights of this suite's network of that shape, tied ones counted once."""
    from janus.model.transformer import JanusTransformer

    with torch.device("meta"):
        return sum(weight.numel() for weight in JanusTransformer(config).parameters())


def _fairseqs(method: BaseMethod, source: int, target: int) -> Flow:
    """fairseq's sources end with eos and do not begin with bos; a canvas has both."""
    rows, words = source + 1, target + 1
    masked = _MASKED * words
    passes = []
    if "ar" in method.decoders:
        passes.append(Pass(words, words, words * (words + 1) / 2, words, True))
    if "nar" in method.decoders:
        canvas = words + 1
        passes.append(Pass(canvas, canvas, canvas * canvas, masked, True))
    return Flow(rows, 1, tuple(passes))


def _watched(method: Method, source: int, target: int) -> Flow:
    symbols = Symbols(bos=0, pad=1, eos=2, unk=3, source_mask=_WORDS - 1)
    generator = torch.Generator().manual_seed(1)
    sources, targets = _made(max(source, 1), generator), _made(max(target, 1), generator)
    config = method.configure(
        TransformerConfig(
            _WORDS,
            _WORDS,
            dimension=16,
            encoder_layers=4,
            decoder_layers=2,
            encoder_ffn=16,
            decoder_ffn=16,
            dropout=0.0,
            source_positions=source + 8,
            target_positions=10 * max(source, target) + 100,
            length_classes=2 * max(source, target) + 100,
        )
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = method.network(config)
        packed = method.pack(sources if method.data == "pairs" else targets, targets, symbols, generator)
        with _watching(model) as (passes, encodings):
            method.loss(model, packed, Step(0, 0.1, True))
    return Flow(source + 2, max(encodings, default=1), tuple(passes))


def _made(length: int, generator: torch.Generator) -> Tensor:
    """Sentences [B, length + 2] of random words between bos and eos."""
    words = torch.randint(4, _WORDS - 1, (_SENTENCES, length), generator=generator)
    return torch.nn.functional.pad(torch.nn.functional.pad(words, (1, 0), value=0), (0, 1), value=2)


@contextmanager
def _watching(model: Any) -> Iterator[tuple[list[Pass], list[int]]]:
    """Write down every decoder pass of a model, and the encoder passes of every encoding."""
    passes: list[Pass] = []
    encodings: list[int] = []
    inside: list[bool] = []

    def watch(call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def watched(streams: DecoderRows, memory: Any, read: Tensor) -> Any:
            if not inside:
                passes.append(_pass(streams, read))
            inside.append(True)
            try:
                return call(streams, memory, read)
            finally:
                inside.pop()

        return watched

    encode = model.encode

    @wraps(encode)
    def encoding(source: Any, count: int = 1) -> Any:
        encodings.append(count)
        return encode(source, count)

    model.encode = encoding
    model.decoder.forward, model.decoder.forward_layers = map(
        watch, (model.decoder.forward, model.decoder.forward_layers)
    )
    yield passes, encodings


def _pass(streams: DecoderRows, read: Tensor) -> Pass:
    spans = streams.spans
    seen = (spans[:, 1] - spans[:, 0] + spans[:, 3] - spans[:, 2]).sum()
    counts = streams.token.numel(), streams.content, int(seen), read.numel()
    return Pass(*(count / _SENTENCES for count in counts), torch.is_grad_enabled())
