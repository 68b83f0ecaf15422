"""The arithmetic of a batch, counted: what a method sends through the model, at the sizes of a tier.

A method of this suite is run once on a few made sentences with a narrow network, and what enters its encoder and its
decoder is written down; a method of fairseq's own models is counted as the Transformer or the CMLM that it is. Networks
beside encoder and decoder (`JanusTransformer.beside`) are run at their own size, and their matrix products are counted.
All counts are of one sentence. Sums, norms and softmaxes are not counted (`janus.model.flops`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from janus.config.systems import method_of
from janus.methods.base.batch import Symbols
from janus.methods.base.method import BaseMethod, Method, Step
from janus.methods.base.words import as_json
from janus.model.config import TransformerConfig
from janus.model.flops import work_of_rows
from janus.model.layers import DecoderLayer, EncoderLayer
from janus.model.rows import DecoderRows
from janus.model.transformer import JanusTransformer

_SENTENCES, _WORDS = 4, 40
# Of the target, in a method of fairseq's: its masks are uniform.
_MASKED = 0.5
# What was counted: by method, options and lengths; networks beside encoder and decoder also by shape and by name.
_KNOWN: dict[tuple[str, str, int, int], "Flow"] = {}
_KNOWN_BESIDE: dict[tuple[str, str, TransformerConfig, int, int, tuple[str, ...]], "Beside"] = {}


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


@dataclass(frozen=True)
class Beside:
    """What networks beside encoder and decoder take forwards: multiply-adds for one sentence, and layers."""

    multiply_adds: float = 0.0
    layers: int = 0


def beside(method: BaseMethod, config: TransformerConfig, source: int, target: int, *, decoding: bool) -> Beside:
    """The networks beside encoder and decoder that a full update runs, or that decoding runs, at their own size."""
    names = tuple(name for name, decodes in network_of(method).beside.items() if decodes or not decoding)
    if not names:
        return Beside()
    key = method.name, as_json(method.plain_options), config, source, target, names
    if key not in _KNOWN_BESIDE:
        _KNOWN_BESIDE[key] = _counted_beside(cast(Method, method), config, source, target, names)
    return _KNOWN_BESIDE[key]


def _counted_beside(
    method: Method, config: TransformerConfig, source: int, target: int, names: tuple[str, ...]
) -> Beside:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        # In float64 no operator of this suite's own hides its products from the counter.
        model = method.network(replace(config, source_vocabulary=_WORDS, target_vocabulary=_WORDS)).double()
        parts = [model.get_submodule(name) for name in names]
        with FlopCounterMode(display=False) as counter:
            inside = [_Inside(part, counter) for part in parts]
            # As in validation, where no phase of a training leaves a network out.
            method.loss(model, _made_batch(method, source, target), Step(0, 0.1, training=False))
    layers = sum(isinstance(module, EncoderLayer | DecoderLayer) for part in parts for module in part.modules())
    return Beside(sum(one.flop for one in inside) / 2 / _SENTENCES, layers)


class _Inside:
    """Operations in a module or one of its parts, whichever is called."""

    def __init__(self, part: nn.Module, counter: FlopCounterMode) -> None:
        self.flop, self._depth, self._counter = 0, 0, counter
        for module in part.modules():
            module.register_forward_pre_hook(self._enter)
            module.register_forward_hook(self._leave)

    def _enter(self, *_: Any) -> None:
        if not self._depth:
            self._before = self._counter.get_total_flops()
        self._depth += 1

    def _leave(self, *_: Any) -> None:
        self._depth -= 1
        if not self._depth:
            self.flop += self._counter.get_total_flops() - self._before


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


def network_of(method: BaseMethod) -> type[JanusTransformer]:
    """The network of a method; of fairseq's own models this suite's Transformer, which has about as many weights."""
    return method.network if isinstance(method, Method) else JanusTransformer


@cache
def parameters(network: type[JanusTransformer], config: TransformerConfig) -> int:
    """Weights of a network of that shape, tied ones counted once."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in network(config).parameters())


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
        watch = _watch(model)
        method.loss(model, _made_batch(method, source, target), Step(0, 0.1, True)).total.backward()
    return Flow(source + 2, max(watch.encodings, default=1), tuple(watch.passes()))


def _made_batch(method: Method, source: int, target: int) -> dict[str, Any]:
    symbols = Symbols(bos=0, pad=1, eos=2, unk=3, source_mask=_WORDS - 1)
    generator = torch.Generator().manual_seed(1)
    sources, targets = _made(max(source, 1), generator), _made(max(target, 1), generator)
    return method.pack(sources if method.data == "pairs" else targets, targets, symbols, generator)


def _made(length: int, generator: torch.Generator) -> Tensor:
    """Sentences [B, length + 2] of random words between bos and eos."""
    words = torch.randint(4, _WORDS - 1, (_SENTENCES, length), generator=generator)
    return torch.nn.functional.pad(torch.nn.functional.pad(words, (1, 0), value=0), (0, 1), value=2)


class _Watch:
    """What a model did: its decoder passes, which of them a gradient reaches, encoder passes of each encoding."""

    def __init__(self) -> None:
        self.encodings: list[int] = []
        self._seen: list[tuple[DecoderRows, Tensor]] = []
        self._learning: set[int] = set()
        self._inside = False

    def passes(self) -> Iterator[Pass]:
        """The decoder passes, for one sentence."""
        for number, (streams, read) in enumerate(self._seen):
            spans = streams.spans
            pairs = int((spans[:, 1] - spans[:, 0] + spans[:, 3] - spans[:, 2]).sum())
            counts = streams.token.numel(), streams.content, pairs, read.numel()
            yield Pass(*(count / _SENTENCES for count in counts), number in self._learning)

    def encode(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, an encoding, watched."""

        def watched(source: Any, passes: int = 1) -> Any:
            self.encodings.append(passes)
            return call(source, passes)

        return watched

    def forward(self, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """`call`, a decoder pass, watched."""

        def watched(streams: DecoderRows, memory: Any, read: Tensor) -> Tensor:
            number, self._inside = self._begun(streams, read), True
            try:
                return self._hooked(call(streams, memory, read), number)
            finally:
                self._inside = False

        return watched

    def forward_layers(self, call: Callable[..., Iterator[Tensor]]) -> Callable[..., Iterator[Tensor]]:
        """`call`, a decoder pass whose every layer is read, watched unless it is part of a plain one."""

        def watched(streams: DecoderRows, memory: Any, read: Tensor) -> Iterator[Tensor]:
            if self._inside:
                yield from call(streams, memory, read)
                return
            number = self._begun(streams, read)
            for hidden in call(streams, memory, read):
                yield self._hooked(hidden, number)

        return watched

    def _begun(self, streams: DecoderRows, read: Tensor) -> int:
        self._seen.append((streams, read))
        return len(self._seen) - 1

    def _hooked(self, hidden: Tensor, number: int) -> Tensor:
        if hidden.requires_grad:
            hidden.register_hook(lambda gradient: self._learning.add(number))
        return hidden


def _watch(model: Any) -> _Watch:
    """Watch a model from now on."""
    watch, decoder = _Watch(), model.decoder
    model.encode = watch.encode(model.encode)
    decoder.forward, decoder.forward_layers = (
        watch.forward(decoder.forward),
        watch.forward_layers(decoder.forward_layers),
    )
    return watch
