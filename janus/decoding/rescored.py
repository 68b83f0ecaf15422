"""Re-scoring by an autoregressive model (noisy parallel decoding: Gu et al., 2018; Qian et al., 2021).

A non-autoregressive model gives a candidate for each of several lengths in one pass, and a left-to-right model chooses
the one with the highest mean log-probability. All candidates are scored in one pass of that model as well, since their
words are known.

What is scored is the text of a candidate: its words without begin and end symbols, wherever the model put some, and one
end symbol; the mean is over these. This is the score of beam search with a length penalty of 1. Axes: B sentences, N
candidates, T places, R rows that predict a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from janus.decoding.one_pass import OnePassSettings, candidates
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.methods.base.loading import load_model
from janus.model.config import TransformerConfig
from janus.model.ragged import Source
from janus.model.streams import pack_left_to_right
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class RescoredSettings(OnePassSettings):
    """rescore: the checkpoint of the autoregressive model; without one the candidates keep their own scores.

    In a config it is a system, whose training of the same corpus and seed is meant. The others are those of one_pass;
    length_beam is the number of candidates, an odd one for as many shorter as longer ones.
    """

    length_beam: int = 7
    rescore: str = field(default="", metadata={"checkpoint": True})


def rescored(model: JanusTransformer, source: Source, settings: RescoredSettings) -> list[list[Hypothesis]]:
    """The candidates of each sentence, best first by the autoregressive model."""
    return ranked_by(settings.rescore, model, source, candidates(model, source, settings))


def ranked_by(
    checkpoint: str, model: JanusTransformer, source: Source, found: list[list[Hypothesis]]
) -> list[list[Hypothesis]]:
    """The hypotheses that `model` found, best first by the autoregressive model of a checkpoint, if one is named.

    Raises InputError if that was trained on another vocabulary.
    """
    if not checkpoint:
        return found
    scorer = _load(Path(checkpoint), str(source.token.device), Path(checkpoint).stat().st_mtime_ns)
    if scorer.config.target_vocabulary != model.config.target_vocabulary:
        raise InputError(
            f"it has {scorer.config.target_vocabulary} words, the model {model.config.target_vocabulary}",
            where=checkpoint,
            fix="train both on the same corpus",
        )
    return rank(scorer, source_for(source, model.config, scorer.config), found)


@torch.no_grad()
def rank(scorer: JanusTransformer, source: Source, found: Sequence[Sequence[Hypothesis]]) -> list[list[Hypothesis]]:
    """The hypotheses of each sentence with the scorer's mean log-probability as their score, best first.

    Of equal ones the first stays the first.
    """
    owner = torch.tensor([i for i, hypotheses in enumerate(found) for _ in hypotheses], device=source.token.device)
    scores = iter(mean_log_probs(scorer, source, [one.tokens for own in found for one in own], owner).tolist())
    ranked = []
    for hypotheses in found:
        own = [replace(one, score=next(scores)) for one in hypotheses]
        ranked.append(sorted(own, key=lambda one: -one.score))
    return ranked


def mean_log_probs(scorer: JanusTransformer, source: Source, texts: Sequence[Tensor], owner: Tensor) -> Tensor:
    """The teacher-forced mean log-probability [N] of each text, end symbol included.

    texts: tokens of any form; begin, end and padding symbols are left out. owner: [N] the source sentence of each.
    Raises InputError for a text that is longer than the scorer reads.
    """
    config = scorer.config
    words = [text[(text != config.bos) & (text != config.eos) & (text != config.pad)] for text in texts]
    # In place of the first token stands what decoding starts from.
    start = config.bos if config.start == "bos" else config.eos
    framed = [torch.cat([one.new_tensor([start]), one, one.new_tensor([config.eos])]) for one in words]
    target = torch.nn.utils.rnn.pad_sequence(framed, batch_first=True, padding_value=config.pad)
    if target.size(1) > config.target_positions:
        raise InputError(
            f"a candidate of {target.size(1)} tokens, the model that scores it reads at most {config.target_positions}",
            where="rescore",
            fix="name a model with more positions",
        )
    rows = pack_left_to_right(
        target,
        pad=config.pad,
        mask=config.mask,
        query_position=config.query_position,
        ar_readout=config.ar_readout,
    )
    rows = replace(rows, source=owner[rows.sentence])
    memory, _ = scorer.encode(source)
    read = rows.read["ar"]
    # log_probs: [R]
    logits = scorer.project(scorer.decoder(rows, memory, read.rows)).float()
    log_probs = logits.log_softmax(-1).gather(1, read.labels[:, None])[:, 0]
    total = torch.zeros(len(texts), device=log_probs.device).index_add(0, rows.sentence[read.rows], log_probs)
    return total / (target.ne(config.pad).sum(1) - 1)


def source_for(source: Source, given: TransformerConfig, wanted: TransformerConfig) -> Source:
    """The sentences that a model of `given` reads, as one of `wanted` reads them: with bos or without."""
    if given.source_bos == wanted.source_bos:
        return source
    tokens = source.layout.pad(source.token, given.pad)
    begin = tokens.new_full((tokens.size(0), 1), wanted.bos)
    return Source.of(torch.cat([begin, tokens], 1) if wanted.source_bos else tokens[:, 1:], wanted.pad)


@lru_cache(maxsize=1)
def _load(path: Path, device: str, changed: int) -> JanusTransformer:
    """The model of a checkpoint; `changed`, its time, distinguishes versions of it."""
    return load_model(path, device)


DECODER = Decoder("rescored", RescoredSettings, rescored, manner="nar", reads="a blank canvas")
