"""Decoding speed: the query stream beside a plain Transformer, fairseq's generator, and mask-predict by passes.

The weights are random, so the lengths of outputs are forced: AR hypotheses may end only at `WORDS` words, and the
length classifier is made to prefer as many. What is computed is what a trained model computes at that length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from fairseq.sequence_generator import SequenceGenerator
from torch import Tensor

from janus.bench.batches import BOS, EOS, PAD, read_lengths
from janus.bench.goals import Goal
from janus.bench.memory import keep_freed_memory
from janus.bench.rivals import ctranslate2_decoder, has_ctranslate2
from janus.bench.workshop import Scale
from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.length_beam import blank_canvas, length_candidates
from janus.decoding.mask_predict import MaskPredictSettings, fill, mask_predict
from janus.decoding.vocabulary import make_source, pad_batch
from janus.model.ragged import Ragged
from janus.model.transformer import JanusTransformer
from janus.noise.masks import batch_generator
from janus.plugin.models import core_of
from kernels.bench.timing import in_turns
from kernels.packed_linear import pack_linear_layers

# Words of every output: the corpus has 23.6 a target sentence.
WORDS = 24
BEAM = 5
PASSES = (5, 11)
# Batch sizes of each manner, and sentences decoded in a round at batch 1.
_AR_SIZES, _NAR_SIZES, _SINGLE = (1, 16, 64), (1, 16), 8
_RIVAL = "AR, Transformer, CTranslate2"
_GREEDY = ", beam 1"

_WITH_RIVAL = "pip install ctranslate2, then python -m janus.bench --only decoding"

Decode = Callable[[int], object]
Progress = Callable[[], object] | None


def measure_decoding(scale: Scale, device: str, rounds: int, progress: Progress = None) -> list[dict]:
    """Rows with `way`, `batch` and milliseconds a sentence (median, spread); beam 5 where no other is named."""
    if torch.device(device).type == "cpu":
        keep_freed_memory(False)
    theirs, words = scale.fairseq("transformer_iwslt_de_en")
    theirs = theirs.to(device).eval()
    plain, joint = core_of(theirs).to(device), JanusTransformer(scale.config()).to(device).eval()
    _force_length(joint, WORDS + 2)
    # As `janus.methods.base.loading.load_model` leaves a model that will decode.
    plain, joint = pack_linear_layers(plain), pack_linear_layers(joint)
    rows = []
    for size in sorted({*_AR_SIZES, *_NAR_SIZES}):
        batches = _sentences(scale.words, _SINGLE if size == 1 else 1, size)
        calls: dict[str, Decode] = {}
        if size in _AR_SIZES:
            calls["AR, Transformer, fairseq's generator"] = _generator(theirs, words, batches, device)
            calls["AR, Transformer, this engine"] = _beam_search(plain, batches, device)
            calls["AR, JANUS, query stream"] = _beam_search(joint, batches, device)
            calls[f"AR, Transformer, this engine{_GREEDY}"] = _beam_search(plain, batches, device, beam=1)
            if torch.device(device).type == "cpu" and has_ctranslate2():
                for beam, suffix in ((BEAM, ""), (1, _GREEDY)):
                    calls[_RIVAL + suffix] = ctranslate2_decoder(plain, batches, words=WORDS, beam=beam)
        if size in _NAR_SIZES:
            calls["NAR, JANUS, one decoder pass alone"] = _one_pass(joint, batches, device)
            for passes in PASSES:
                calls[f"NAR, JANUS, {passes} passes"] = _mask_predict(joint, batches, passes, device)
        timings = in_turns(calls, device=device, rounds=rounds, repeats=len(batches), progress=progress)
        for way, timing in timings.items():
            low, high = timing.spread
            ms = 1000 / size
            rows.append(dict(way=way, batch=size, milliseconds=ms * timing.median, spread=(ms * low, ms * high)))
    return rows


def decoding_goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """Ratios of one run against their bounds."""
    ms = {(row["way"], row["batch"]): row["milliseconds"] for row in rows}
    goals = []
    for size in _AR_SIZES:
        plain = ms["AR, Transformer, this engine", size]
        name = f"AR at batch {size}: query stream over plain Transformer"
        goals.append(Goal(name, ms["AR, JANUS, query stream", size] / plain, at_most=1.15))
        name = f"AR at batch {size}: plain Transformer here over fairseq's generator"
        goals.append(Goal(name, plain / ms["AR, Transformer, fairseq's generator", size], at_most=1.0))
        for suffix in ("", _GREEDY):
            rival = ms.get((_RIVAL + suffix, size))
            ratio = ms[f"AR, Transformer, this engine{suffix}", size] / rival if rival else None
            name = f"AR at batch {size}{suffix}: plain Transformer here over CTranslate2"
            goals.append(Goal(name, ratio, at_most=1.0, command=_WITH_RIVAL))
    for size in _NAR_SIZES:
        alone = ms["NAR, JANUS, one decoder pass alone", size]
        for passes in PASSES:
            name = f"NAR at batch {size}: {passes} passes, encoder included, in single decoder passes"
            goals.append(Goal(name, ms[f"NAR, JANUS, {passes} passes", size] / alone, at_most=passes + 0.5))
    ratio = ms["NAR, JANUS, 11 passes", 1] / ms["AR, JANUS, query stream", 1]
    goals.append(Goal("batch 1: 11 passes at length beam 5 over AR at beam 5", ratio, at_most=1.0))
    return goals


def _sentences(words: int, batches: int, size: int) -> list[list[list[int]]]:
    """Random sources whose lengths spread over the middle half of the corpus."""
    lengths = sorted(read_lengths())
    lengths = lengths[len(lengths) // 4 : 3 * len(lengths) // 4]
    count, generator = batches * size, batch_generator(batches, size)
    chosen = [lengths[i * len(lengths) // count][0] for i in range(count)]
    made = [torch.randint(EOS + 2, words, (n - 1,), generator=generator).tolist() for n in chosen]
    framed = [[BOS, *sentence, EOS] for sentence in made]
    return [framed[i : i + size] for i in range(0, count, size)]


def _generator(model: torch.nn.Module, words: Any, batches: list, device: str) -> Decode:
    generator = SequenceGenerator([model], words, beam_size=BEAM, max_len_a=0, max_len_b=WORDS, min_len=WORDS)
    samples = []
    for batch in batches:
        tokens = pad_batch(batch).to(device)
        samples.append({"net_input": {"src_tokens": tokens, "src_lengths": tokens.ne(PAD).sum(1)}})
    return lambda i: generator.generate([model], samples[i])


def _beam_search(model: JanusTransformer, batches: list, device: str, *, beam: int = BEAM) -> Decode:
    settings = BeamSettings(beam=beam, max_len_b=WORDS, shortest=WORDS)
    return lambda i: beam_search(model, make_source(batches[i], device), settings)


def _mask_predict(model: JanusTransformer, batches: list, passes: int, device: str) -> Decode:
    settings = MaskPredictSettings(passes=passes, length_beam=BEAM)
    return lambda i: mask_predict(model, make_source(batches[i], device), settings)


@torch.no_grad()
def _one_pass(model: JanusTransformer, batches: list, device: str) -> Decode:
    """Fill fully masked canvases, sources encoded before."""
    settings = MaskPredictSettings(length_beam=BEAM)
    inputs = []
    for batch in batches:
        source = make_source(batch, device)
        memory, encoded = model.encode(source)
        lengths = length_candidates(model, encoded, source, settings)
        canvas = blank_canvas(lengths.flatten(), model)
        owner = torch.arange(len(batch), device=device).repeat_interleave(BEAM)
        inputs.append((canvas, torch.zeros(canvas.shape, device=device), owner, memory))
    return torch.no_grad()(lambda i: fill(model, *inputs[i], False))


def _force_length(model: JanusTransformer, length: int) -> None:
    """Let the classifier compute as ever and then choose `length`."""
    computed = model.decoder.forward_length

    def forward_length(encoded: Tensor, layout: Ragged) -> Tensor:
        return computed(encoded, layout).index_fill(1, torch.tensor([length], device=encoded.device), torch.inf)

    model.decoder.forward_length = forward_length
