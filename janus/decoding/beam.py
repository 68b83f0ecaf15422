"""Batched beam search over the cached content stream, with the semantics of fairseq's SequenceGenerator.

Axes: B unfinished sentences, W beam, V vocabulary, t steps so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.incremental import IncrementalDecoder
from janus.model.transformer import JanusTransformer
from janus.ragged import Source
from kernels.top_words import top_words


@dataclass(frozen=True)
class BeamSettings:
    """beam: hypotheses kept. lenpen: scores are divided by length to this power.

    Outputs have at most max_len_a * source tokens + max_len_b tokens before eos, and at least `shortest`.
    Raises InputError for a beam below 1 and for bounds that no output can satisfy.
    """

    beam: int = 5
    lenpen: float = 1.0
    max_len_a: float = 0.0
    max_len_b: int = 200
    shortest: int = 1

    def __post_init__(self) -> None:
        """Reject settings that would find nothing."""
        # With max_len_a > 0, max_len_b may be smaller than `shortest`.
        bound = 0 if self.max_len_a > 0 else self.shortest
        for name, least in (("beam", 1), ("max_len_a", 0), ("shortest", 0), ("max_len_b", bound)):
            if not getattr(self, name) >= least:
                raise InputError(f"{getattr(self, name)} is too small", where=name, fix=f"use {least} or more")


@torch.no_grad()
def beam_search(model: JanusTransformer, source: Source, settings: BeamSettings) -> list[list[Hypothesis]]:
    """The finished hypotheses of each sentence, best first, at most `beam` of them.

    The bound on the length comes from each sentence's own source, so a sentence's output does not depend on the
    batch it is decoded in.
    """
    memory, _ = model.encode(source)
    return _Search(model, source, settings, IncrementalDecoder(model, memory)).run()


class _Search:
    """The state of one batch: live hypotheses as grids [B, W, t], finished ones as lists."""

    def __init__(self, model: JanusTransformer, source: Source, settings: BeamSettings, decoder: IncrementalDecoder):
        self.model, self.settings, self.decoder = model, settings, decoder
        self.config, self.device = model.config, source.token.device
        sentences = source.layout.groups
        # The beam cannot exceed what a first step can offer without the padding symbol.
        self.beam = min(settings.beam, self.config.target_vocabulary - 1)
        lengths = source.layout.counts()
        longest = (settings.max_len_a * lengths).long() + settings.max_len_b
        self.longest = longest.clamp(max=self.config.target_positions - 2)
        self.ids = torch.arange(sentences, device=self.device)
        start = self.config.bos if self.config.start == "bos" else self.config.eos
        self.tokens = torch.full((sentences, self.beam, 1), start, device=self.device)
        self.cumulative = torch.zeros(sentences, self.beam, 0, device=self.device)
        self.closed = torch.zeros(sentences, self.beam, dtype=torch.bool, device=self.device)
        self.finished: list[list[Hypothesis]] = [[] for _ in range(sentences)]

    def run(self) -> list[list[Hypothesis]]:
        """Search until every sentence has its hypotheses."""
        step = 0
        while self.ids.numel():
            scores, symbols, parents = self._candidates(step)
            ends = symbols.eq(self.config.eos) & scores.ne(-torch.inf)
            ends[:, : self.beam] &= ~self.closed
            self._finish(ends[:, : self.beam], scores, parents, step)
            live = self._unfinished(step)
            self._advance(scores, symbols, parents, ends, live)
            step += 1
        return [sorted(hypotheses, key=lambda h: -h.score) for hypotheses in self.finished]

    def _candidates(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """The best 2W continuations of each sentence: cumulative scores, symbols and parent hypotheses, [B, 2W]."""
        logits = self.decoder.step(self.tokens[:, :, -1].flatten(), step)
        banned = [self.config.pad, self.config.eos] if step < self.settings.shortest else [self.config.pad]
        # The best 2W continuations of a sentence are among the best 2W of each of its hypotheses.
        # scores, symbols: [B, W, 2W] at first, then [B, 2W]
        each = min(2 * self.beam, logits.size(1))
        scores, symbols = (x.view(*self.tokens.shape[:2], each) for x in top_words(logits, each, banned))
        self._end_the_longest(scores, symbols, logits.view(*self.tokens.shape[:2], -1), step)
        if step == 0:
            scores = scores[:, :1]
        else:
            scores = scores + self.cumulative[:, :, -1:]
        count = min(2 * self.beam, scores.size(1) * logits.size(1) - 1)
        best, index = scores.flatten(1).topk(count, dim=1)
        return best, symbols.flatten(1).gather(1, index), index // each

    def _end_the_longest(self, scores: Tensor, symbols: Tensor, logits: Tensor, step: int) -> None:
        """Allow only eos to sentences that have reached their longest length, in place.

        scores, symbols: [B, W, 2W]. logits: [B, W, V].
        """
        full = step >= self.longest
        if not full.any():
            return
        scores[full] = -torch.inf
        symbols[full] = self.config.eos
        if step >= self.settings.shortest:
            scores[full, :, 0] = torch.log_softmax(logits[full].float(), -1)[..., self.config.eos]

    def _finish(self, ends: Tensor, scores: Tensor, parents: Tensor, step: int) -> None:
        """Add the candidates that end, among the best W of a sentence, to its finished hypotheses."""
        for row, rank in ends.nonzero().tolist():
            pool = self.finished[int(self.ids[row])]
            if len(pool) >= self.beam:
                continue
            parent, total = int(parents[row, rank]), scores[row, rank]
            tokens = torch.cat([self.tokens[row, parent, 1:], self.tokens.new_tensor([self.config.eos])])
            cumulative = torch.cat([self.cumulative[row, parent], total[None]])
            pool.append(
                Hypothesis(
                    tokens,
                    cumulative.diff(prepend=cumulative.new_zeros(1)),
                    float(total / (step + 1) ** self.settings.lenpen),
                )
            )

    def _unfinished(self, step: int) -> Tensor:
        """Rows [B'] of the sentences that need more hypotheses and may still grow."""
        open_ = [len(self.finished[i]) < self.beam for i in self.ids.tolist()]
        live = torch.tensor(open_, device=self.device) & (step < self.longest)
        return live.nonzero()[:, 0]

    def _advance(self, scores: Tensor, symbols: Tensor, parents: Tensor, ends: Tensor, live: Tensor) -> None:
        """Continue each live sentence with its best W candidates that do not end."""
        # scores, symbols, parents, ends: [B', 2W]; closed: [B', W]
        scores, symbols, parents, ends, closed = (x[live] for x in (scores, symbols, parents, ends, self.closed))
        ends[:, : self.beam] |= closed
        # rank: [B', 2W], candidates that end come last; kept, chosen, parent: [B', W]
        rank = torch.arange(ends.size(1), device=self.device) + ends * ends.size(1)
        kept, chosen = rank.topk(self.beam, dim=1, largest=False)
        parent = parents.gather(1, chosen)
        self.closed = kept >= ends.size(1)
        if live.numel() < self.ids.numel():
            self.decoder.keep(live)
        self.decoder.reorder((live[:, None] * self.tokens.size(1) + parent).flatten())
        # rows: [B', 1]; tokens, cumulative: [B', W, t + 1]
        rows = torch.arange(live.numel(), device=self.device)[:, None]
        self.tokens = torch.cat([self.tokens[live][rows, parent], symbols.gather(1, chosen)[..., None]], 2)
        self.cumulative = torch.cat([self.cumulative[live][rows, parent], scores.gather(1, chosen)[..., None]], 2)
        self.ids, self.longest = self.ids[live], self.longest[live]


DECODER = Decoder("beam", BeamSettings, beam_search)
