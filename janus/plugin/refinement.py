"""Models that fairseq alone can decode, behind the interface of this suite's driver (`janus.decoding.refinement`).

fairseq's `IterativeRefinementGenerator` decodes them as `fairseq-generate` does. Axes: B sentences, S source places, T
places of an output.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from fairseq.data import Dictionary
from fairseq.iterative_refinement_generator import IterativeRefinementGenerator
from fairseq.models import ARCH_MODEL_REGISTRY
from fairseq.models.nat import FairseqNATModel, InsertionTransformerModel, LevenshteinTransformerModel
from torch import Tensor

from janus.decoding.refinement import RefinementSettings
from janus.errors import InputError
from janus.methods.base.decoder import Hypothesis
from janus.model.checkpoints import check_numbers, options_of, read_checkpoint
from janus.model.config import TransformerConfig
from janus.model.ragged import Source

# fairseq's own bound on outputs, as a multiple of the source.
_MAX_RATIO = 2


class FairseqModel:
    """A NAR model of fairseq that decodes itself. config: its dictionary, and the sentences that it can read."""

    def __init__(self, model: FairseqNATModel):
        self.model = model
        source, target = model.max_positions()
        self.config = TransformerConfig(
            source_vocabulary=len(model.encoder.dictionary),
            target_vocabulary=len(model.decoder.dictionary),
            source_positions=source,
            target_positions=target,
        )

    def refine(self, source: Source, settings: RefinementSettings) -> list[list[Hypothesis]]:
        """The best output of each sentence. Raises InputError for length candidates of a model that has no lengths."""
        if settings.length_beam > 1 and not self.model.allow_length_beam:
            raise InputError("the model predicts no length", where="length_beam", fix="use 1")
        generator = IterativeRefinementGenerator(
            self.model.decoder.dictionary,
            eos_penalty=settings.eos_penalty,
            # fairseq counts from 0.
            max_iter=settings.passes - 1,
            max_ratio=_MAX_RATIO,
            beam_size=settings.length_beam,
            adaptive=settings.adaptive,
        )
        tokens = left_padded(source, self.config.pad)
        sample = {"net_input": {"src_tokens": tokens, "src_lengths": source.layout.counts()}}
        with safe_insertions(self.model, settings.eos_penalty):
            outputs = generator.generate([self.model], sample)
        return [[_as_hypothesis(best)] for [best] in outputs]


def load_model(path: Path, device: str = "cpu") -> FairseqModel:
    """The model of a checkpoint of fairseq's, ready to decode.

    A CPU computes in float32. Raises InputError if the file is not such a checkpoint or its weights are not numbers.
    """
    state = read_checkpoint(path)
    check_numbers(state["model"], path)
    options, weights = options_of(state, path), state["model"]
    arch = getattr(options, "arch", "")
    network = ARCH_MODEL_REGISTRY.get(arch)
    if network is None or not issubclass(network, FairseqNATModel):
        what = f"its architecture {arch!r} is no NAR model of fairseq"
        raise InputError(what, where=path, fix="name the method that trained it")
    words = _dictionary(weights["encoder.embed_tokens.weight"].size(0))
    model = network.build_model(options, Namespace(source_dictionary=words, target_dictionary=words))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit the options ({reason})", where=path, fix="restore the file") from error
    if torch.device(device).type != "cpu":
        model = model.to(weights["encoder.embed_tokens.weight"].dtype)
    return FairseqModel(model.to(device).eval())


def left_padded(source: Source, pad: int) -> Tensor:
    """Source tokens [B, S] with the padding where fairseq's batches have it."""
    grid = source.layout.pad(source.token, pad)
    empty = grid.size(1) - source.layout.counts()
    column = torch.arange(grid.size(1), device=grid.device) - empty[:, None]
    return grid.gather(1, column.clamp(min=0)).masked_fill(column < 0, pad)


def _dictionary(size: int) -> Dictionary:
    """The special symbols and as many words; the driver turns numbers into words."""
    words = Dictionary()
    for number in range(size - len(words)):
        words.add_symbol(f"word-{number}")
    return words


def _as_hypothesis(output: dict[str, Any]) -> Hypothesis:
    return Hypothesis(
        output["tokens"], output["positional_scores"], float(output["score"]), passes=int(output["steps"]) + 1
    )


@contextmanager
def safe_insertions(model: FairseqNATModel, eos_penalty: float) -> Iterator[None]:
    """Within it, models that insert, and have hardly learnt, are decoded where fairseq ends with an error.

    A pass that would make an output longer than the decoder has positions inserts nothing into it: each gap may be
    filled, and there are as many gaps as words. The Levenshtein Transformer returns no attention, which nothing
    reads: fairseq keeps that of the edited sentences alone where a first pass inserts nothing into some, and then looks
    for the others. All other outputs are fairseq's.
    """
    decoder, own = model.decoder, _insertions(model, eos_penalty)
    for name, function in own.items():
        setattr(decoder, name, function)
    try:
        yield
    finally:
        # The methods of the class are visible again.
        for name in own:
            delattr(decoder, name)


def _insertions(model: FairseqNATModel, eos_penalty: float) -> dict[str, Callable[..., Any]]:
    """What replaces methods of the decoder, by name."""
    decoder, longest = model.decoder, model.decoder.max_positions()
    if isinstance(model, InsertionTransformerModel):
        return {"forward_word_ins": _bounded_words(decoder, longest, eos_penalty)}
    if isinstance(model, LevenshteinTransformerModel):
        words, deletions = (_without_attention(one) for one in (decoder.forward_word_ins, decoder.forward_word_del))
        masks = _bounded_masks(decoder, longest, eos_penalty)
        return {"forward_mask_ins": masks, "forward_word_ins": words, "forward_word_del": deletions}
    return {}


def _without_attention(plain: Callable[..., tuple[Tensor, Any]]) -> Callable[..., tuple[Tensor, None]]:
    return lambda **inputs: (plain(**inputs)[0], None)


def _bounded_words(decoder: Any, longest: int, eos_penalty: float) -> Callable[..., Tensor]:
    """fairseq's word insertion, whose padding symbol inserts nothing; log-probabilities [B, T - 1, V]."""
    plain, pad = decoder.forward_word_ins, decoder.padding_idx

    def forward(*, normalize: bool, encoder_out: Any, prev_output_tokens: Tensor) -> Tensor:
        scores = plain(normalize=normalize, encoder_out=encoder_out, prev_output_tokens=prev_output_tokens)
        penalised = scores.clone()
        penalised[:, :, pad] -= eos_penalty
        gaps = prev_output_tokens[:, 1:].ne(pad)
        full = _length(prev_output_tokens, pad) + (penalised.argmax(-1).ne(pad) & gaps).sum(1) > longest
        nothing = torch.arange(scores.size(-1), device=scores.device) == pad
        return scores.masked_fill(full[:, None, None] & ~nothing, -torch.inf)

    return forward


def _bounded_masks(decoder: Any, longest: int, eos_penalty: float) -> Callable[..., tuple[Tensor, Any]]:
    """fairseq's insertion of masks; log-probabilities [B, T - 1, 256] of their number in each gap."""
    plain, pad = decoder.forward_mask_ins, decoder.padding_idx

    def forward(*, normalize: bool, encoder_out: Any, prev_output_tokens: Tensor) -> tuple[Tensor, Any]:
        scores, extra = plain(normalize=normalize, encoder_out=encoder_out, prev_output_tokens=prev_output_tokens)
        penalised = scores.clone()
        penalised[:, :, 0] -= eos_penalty
        gaps = prev_output_tokens[:, 1:].ne(pad)
        # fairseq's bound of one gap: twice the source, at least ten.
        most = ((~encoder_out["encoder_padding_mask"][0]).sum(1) * _MAX_RATIO).clamp(min=10)
        added = torch.minimum(penalised.argmax(-1), most[:, None]).masked_fill(~gaps, 0).sum(1)
        full = _length(prev_output_tokens, pad) + added > longest
        some = torch.arange(scores.size(-1), device=scores.device) > 0
        return scores.masked_fill(full[:, None, None] & some, -torch.inf), extra

    return forward


def _length(tokens: Tensor, pad: int) -> Tensor:
    return tokens.ne(pad).sum(1)
