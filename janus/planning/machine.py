"""How fast a device does the counted arithmetic: stated, or measured now with real updates."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from janus.devices import precisions_of
from janus.errors import InputError
from janus.methods.base.joint_loss import Weights, joint_loss
from janus.model.config import TransformerConfig
from janus.model.flops import TRANSFORMER, necessary_work
from janus.model.ragged import Source
from janus.model.streams import pack_left_to_right
from janus.model.transformer import JanusTransformer
from janus.planning.costs import UPDATE_PASSES, Work

# Seconds, chosen on the tracked runs of results/reference: one layer's forward pass that only waits, and the start of a
# job in a Python that has imported what it needs.
WAIT, START = 4.0e-4, 1.0
# Words of a made sentence; seconds of each measurement.
_LENGTH, _SECONDS = 30, 2.0


@dataclass(frozen=True)
class Machine:
    """gflops: counted operations a second, in billions, of one training on one device. wait: seconds of a forward pass
    through one layer beside its arithmetic. source: where the numbers are from.
    """

    gflops: float
    wait: float = WAIT
    source: str = "stated"

    def seconds(self, work: Work, devices: int = 1) -> float:
        """Wall time of some work, shared by `devices`."""
        return work.flop / (1e9 * self.gflops * devices) + work.waits * self.wait + work.starts * START


def measure(config: TransformerConfig, tokens: int, precision: str, device: str) -> Machine:
    """Train a Transformer of that shape on made batches, one of two short sentences and a large one.

    The large one has `tokens` target tokens, or fewer where such an update takes long.
    What the short one takes beside its arithmetic is the wait. On a processor one thread computes, as in a training
    whose tier names no `threads`. A precision that the device decides (auto) is decided here as a training does.
    Raises InputError where the device is missing.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "the tier trains on a GPU, and none can be used here", where="janus plan", fix="state a rate: --gflops N"
        )
    precision = precisions_of(device)[0] if precision == "auto" else precision
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            model = JanusTransformer(config).to(device)
            batches = (2, 2), (_sentences(model, tokens, precision, device), _LENGTH)
            short, long = (_seconds(_update(model, *batch, precision), device) for batch in batches)
    finally:
        torch.set_num_threads(threads)
    few, many = (_flop(config, *batch) for batch in batches)
    rate = (many - few) / max(long - short, 1e-9)
    layers = config.encoder_layers + config.decoder_layers
    wait = max(short - few / rate, 0.0) / (UPDATE_PASSES * layers)
    return Machine(rate / 1e9, wait, f"measured here: {device}, {precision}, width {config.dimension}")


def _sentences(model: JanusTransformer, tokens: int, precision: str, device: str) -> int:
    """Sentences of the large batch: as many as `tokens` allow, or fewer if an update takes over _SECONDS / 8."""
    sentences = 4
    while 2 * sentences * _LENGTH <= tokens:
        if _once(_update(model, sentences, _LENGTH, precision), device) > _SECONDS / 8:
            break
        sentences *= 2
    return sentences


def _update(model: JanusTransformer, sentences: int, length: int, precision: str) -> Callable[[], None]:
    """An update on made sentences of `length` words."""
    device = next(model.parameters()).device
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    words = torch.randint(4, model.config.target_vocabulary, (sentences, length + 2))
    words[:, 0], words[:, -1] = model.config.bos, model.config.eos
    pad, mask = model.config.pad, model.config.mask
    source = Source.of(words, pad).to(device)
    rows = pack_left_to_right(words, pad=pad, mask=mask).to(device)
    lengths = torch.full((sentences,), length + 2, device=device)
    narrow = {"bfloat16": torch.bfloat16, "fp16": torch.float16}.get(precision)

    def update() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, narrow) if narrow else nullcontext():
            total, _ = joint_loss(model(source, rows), lengths, Weights(ar=1), 0.1)
        total.backward()
        optimiser.step()

    return update


def _seconds(update: Callable[[], None], device: str) -> float:
    """The fastest of several updates, after one that may compile."""
    update()
    end = time.perf_counter() + _SECONDS
    taken = [_once(update, device) for _ in range(3)]
    while time.perf_counter() < end and len(taken) < 50:
        taken.append(_once(update, device))
    return min(taken)


def _once(update: Callable[[], None], device: str) -> float:
    begun = time.perf_counter()
    update()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def _flop(config: TransformerConfig, sentences: int, length: int) -> int:
    source = torch.full((sentences,), length + 2)
    return 2 * necessary_work(config, TRANSFORMER, source, source - 1, torch.zeros_like(source)).update
