"""Batched beam search over the cached content stream, with the semantics of fairseq's SequenceGenerator.

Axes: B unfinished sentences (B' after a step), W beam, V vocabulary, t steps so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.incremental import IncrementalDecoder
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer
from kernels.top_words import top_words


@dataclass(frozen=True)
class BeamSettings:
    """beam: hypotheses kept per sentence. lenpen: scores are divided by the length to this power.

    Outputs have at most max_len_a * source tokens + max_len_b tokens before eos, and at least `shortest`.
    Raises InputError for a beam below 1 and for bounds that no output can satisfy.
    """

    beam: int = 5
    lenpen: float = 1.0
    max_len_a: float = 0.0
    max_len_b: int = 200
    shortest: int = 1

    def __post_init__(self) -> None:
        """Reject settings that cannot yield an output."""
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
    """The state of one batch: live hypotheses as tensors over [B, W], finished ones as lists."""

    def __init__(self, model: JanusTransformer, source: Source, settings: BeamSettings, decoder: IncrementalDecoder):
        self.model, self.settings, self.decoder = model, settings, decoder
        self.config, self.device = model.config, source.token.device
        sentences = source.layout.groups
        # The first step has only V - 1 candidates: every symbol but padding.
        self.beam = min(settings.beam, self.config.target_vocabulary - 1)
        # lengths, longest, ids: [B]; tokens: [B, W, t + 1]; cumulative: [B, W, t]; closed: [B, W]
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
            # scores, symbols, parents, ends: [B, 2W]; live: [B']
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
        # logits: [B * W, V]
        logits = self.decoder.step(self.tokens[:, :, -1].flatten(), step)
        banned = [self.config.pad, self.config.eos] if step < self.settings.shortest else [self.config.pad]
        # The best 2W continuations of a sentence are among the best 2W of each of its hypotheses.
        # scores, symbols: [B, W, k], where k = min(2W, V)
        k = min(2 * self.beam, logits.size(1))
        scores, symbols = (x.view(*self.tokens.shape[:2], k) for x in top_words(logits, k, banned))
        self._end_the_longest(scores, symbols, logits.view(*self.tokens.shape[:2], -1), step)
        if step == 0:
            # All hypotheses of a sentence are still equal.
            scores = scores[:, :1]
        else:
            scores = scores + self.cumulative[:, :, -1:]
        candidates = min(2 * self.beam, scores.size(1) * logits.size(1) - 1)
        # best, index: [B, 2W]; index points into [W * k]
        best, index = scores.flatten(1).topk(candidates, dim=1)
        return best, symbols.flatten(1).gather(1, index), index // k

    def _end_the_longest(self, scores: Tensor, symbols: Tensor, logits: Tensor, step: int) -> None:
        """Allow only eos for sentences that have reached their maximum length, in place.

        scores, symbols: [B, W, k]. logits: [B, W, V].
        """
        # full: [B]
        full = step >= self.longest
        if not full.any():
            return
        scores[full] = -torch.inf
        symbols[full] = self.config.eos
        if step >= self.settings.shortest:
            scores[full, :, 0] = torch.log_softmax(logits[full].float(), -1)[..., self.config.eos]

    def _finish(self, ends: Tensor, scores: Tensor, parents: Tensor, step: int) -> None:
        """Add the candidates that end to the finished hypotheses of their sentence.

        ends: [B, W], of the best W candidates. scores, parents: [B, 2W].
        """
        for row, rank in ends.nonzero().tolist():
            pool = self.finished[int(self.ids[row])]
            if len(pool) >= self.beam:
                continue
            parent, total = int(parents[row, rank]), scores[row, rank]
            # tokens, cumulative: [t + 1]
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
        """Indices [B'] of the sentences that need more hypotheses and may still grow."""
        unfinished = [len(self.finished[i]) < self.beam for i in self.ids.tolist()]
        live = torch.tensor(unfinished, device=self.device) & (step < self.longest)
        return live.nonzero()[:, 0]

    def _advance(self, scores: Tensor, symbols: Tensor, parents: Tensor, ends: Tensor, live: Tensor) -> None:
        """Continue each live sentence with its best W candidates that do not end."""
        # scores, symbols, parents, ends: [B', 2W]; closed: [B', W]
        scores, symbols, parents, ends, closed = (x[live] for x in (scores, symbols, parents, ends, self.closed))
        ends[:, : self.beam] |= closed
        # rank: [B', 2W]; candidates that end are ranked last. kept, chosen, parent: [B', W]
        rank = torch.arange(ends.size(1), device=self.device) + ends * ends.size(1)
        kept, chosen = rank.topk(self.beam, dim=1, largest=False)
        parent = parents.gather(1, chosen)
        self.closed = kept >= ends.size(1)
        if live.numel() < self.ids.numel():
            self.decoder.keep(live)
        self.decoder.reorder((live[:, None] * self.tokens.size(1) + parent).flatten())
        # sentence: [B', 1]; tokens: [B', W, t + 2]; cumulative: [B', W, t + 1]
        sentence = torch.arange(live.numel(), device=self.device)[:, None]
        self.tokens = torch.cat([self.tokens[live][sentence, parent], symbols.gather(1, chosen)[..., None]], 2)
        self.cumulative = torch.cat([self.cumulative[live][sentence, parent], scores.gather(1, chosen)[..., None]], 2)
        self.ids, self.longest = self.ids[live], self.longest[live]


DECODER = Decoder("beam", BeamSettings, beam_search, manner="ar", reads="prefixes")
