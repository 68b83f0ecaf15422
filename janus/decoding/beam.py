"""Batched beam search over the cached content stream, with the semantics of fairseq's SequenceGenerator.

Axes: B unfinished sentences, W beam, V vocabulary, t steps so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from janus.decoding.hypothesis import Hypothesis
from janus.model.incremental import IncrementalDecoder
from janus.model.transformer import JanusTransformer
from janus.ragged import Source


@dataclass(frozen=True)
class BeamSettings:
    """beam: hypotheses kept. length_penalty: scores are divided by length to this power.

    Outputs have at most length_a * source tokens + length_b tokens before eos, and at least `shortest`.
    """

    beam: int = 5
    length_penalty: float = 1.0
    length_a: float = 0.0
    length_b: int = 200
    shortest: int = 1


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
        longest = (settings.length_a * lengths).long() + settings.length_b
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
        scores = torch.log_softmax(logits.float(), -1).view(*self.tokens.shape[:2], -1)
        scores[..., self.config.pad] = -torch.inf
        if step < self.settings.shortest:
            scores[..., self.config.eos] = -torch.inf
        at_end = (step >= self.longest)[:, None, None]
        not_eos = torch.arange(scores.size(-1), device=self.device) != self.config.eos
        scores = scores.masked_fill(at_end & not_eos, -torch.inf)
        if step == 0:
            scores = scores[:, :1]
        else:
            scores = scores + self.cumulative[:, :, -1:]
        best, index = scores.flatten(1).topk(min(2 * self.beam, scores[0].numel() - 1), dim=1)
        return best, index % scores.size(-1), index // scores.size(-1)

    def _finish(self, ends: Tensor, scores: Tensor, parents: Tensor, step: int) -> None:
        """Move the candidates that end, among the first W of a sentence, to its finished hypotheses."""
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
                    float(total / (step + 1) ** self.settings.length_penalty),
                )
            )

    def _unfinished(self, step: int) -> Tensor:
        """Rows [B'] of the sentences that still need hypotheses and may grow."""
        open_ = [len(self.finished[i]) < self.beam for i in self.ids.tolist()]
        live = torch.tensor(open_, device=self.device) & (step < self.longest)
        return live.nonzero()[:, 0]

    def _advance(self, scores: Tensor, symbols: Tensor, parents: Tensor, ends: Tensor, live: Tensor) -> None:
        """Continue each live sentence with its best W candidates that do not end."""
        scores, symbols, parents, ends, closed = (x[live] for x in (scores, symbols, parents, ends, self.closed))
        ends[:, : self.beam] |= closed
        rank = torch.arange(ends.size(1), device=self.device) + ends * ends.size(1)
        kept, chosen = rank.topk(self.beam, dim=1, largest=False)
        parent = parents.gather(1, chosen)
        self.closed = kept >= ends.size(1)
        if live.numel() < self.ids.numel():
            self.decoder.keep(live)
        self.decoder.reorder((live[:, None] * self.tokens.size(1) + parent).flatten())
        rows = torch.arange(live.numel(), device=self.device)[:, None]
        self.tokens = torch.cat([self.tokens[live][rows, parent], symbols.gather(1, chosen)[..., None]], 2)
        self.cumulative = torch.cat([self.cumulative[live][rows, parent], scores.gather(1, chosen)[..., None]], 2)
        self.ids, self.longest = self.ids[live], self.longest[live]
