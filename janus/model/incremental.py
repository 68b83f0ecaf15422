"""One decoding step at a time, with a key-value cache over the content stream (paper section 3.2: inference reads
the query stream).

The release's cache stores each content position twice (its content stream then differs from training); here every
position is stored once, so the steps compute exactly the teacher-forced pass.

Axes: B sentences, W hypotheses of each, N = B * W, H heads, S source places, t steps so far, D model, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from janus.model.attention import Attention
from janus.model.transformer import JanusTransformer, Memory


class IncrementalDecoder:
    """The decoder of one batch during left-to-right search. Inference only: dropout is never applied."""

    def __init__(self, model: JanusTransformer, memory: Memory):
        self.model, self.config = model, model.config
        self.reads_query = model.config.ar_readout == "query"
        layout = memory.layout
        heads = model.config.decoder_heads
        self.cross = [tuple(_heads(layout.pad(x), heads) for x in pair) for pair in memory.layers]
        filled = layout.filled()
        self.cross_mask = None if filled.all() else filled[:, None, None]
        self.sentences = layout.groups
        self.cache: list[tuple[Tensor, Tensor]] | None = None

    def step(self, token: Tensor, index: int) -> Tensor:
        """Feed the token [N] at place `index` and score its successor: [N, V].

        Rows of a sentence lie together, W = N / B of them; W may change between steps together with `reorder`.
        """
        rows = self._embed(token, index)
        caches, last = [], len(self.model.decoder.layers) - 1
        for number, layer in enumerate(self.model.decoder.layers):
            cache = self._extend(number, layer.self_attn, rows[:, :1])
            caches.append(cache)
            asking = rows[:, -1:] if number == last else rows
            attended = _attend(layer.self_attn, asking, *cache, None)
            asking = layer.residual(asking, attended, layer.self_attn_layer_norm)
            crossed = self._cross(layer.encoder_attn, asking, number)
            rows = layer.feed_forward(layer.residual(asking, crossed, layer.encoder_attn_layer_norm))
        self.cache = caches
        return self.model.project(rows[:, -1])

    def reorder(self, rows: Tensor) -> None:
        """Continue from the hypotheses named by `rows` [N'], numbered as in the last step."""
        if self.cache is not None:
            self.cache = [(k.index_select(0, rows), v.index_select(0, rows)) for k, v in self.cache]

    def keep(self, sentences: Tensor) -> None:
        """Forget the source of all sentences but those named [B']; `reorder` drops their hypotheses."""
        self.cross = [(k.index_select(0, sentences), v.index_select(0, sentences)) for k, v in self.cross]
        if self.cross_mask is not None:
            self.cross_mask = self.cross_mask.index_select(0, sentences)
        self.sentences = sentences.numel()

    def _embed(self, token: Tensor, index: int) -> Tensor:
        """[N, 1 or 2, D]: the content row, then the query row where the model reads one."""
        decoder = self.model.decoder
        content = decoder.embed(token, token.new_full(token.shape, index))
        if not self.reads_query:
            return content[:, None]
        place = index + 1 if self.config.query_position == "own" else index
        query = decoder.embed(token.new_full((1,), self.config.mask), token.new_full((1,), place))
        return torch.stack([content, query.expand_as(content)], 1)

    def _extend(self, number: int, attention: Attention, content: Tensor) -> tuple[Tensor, Tensor]:
        new = tuple(_heads(x, attention.heads) for x in attention.keys_values(content))
        if self.cache is None:
            return new
        return tuple(torch.cat([old, x], 2) for old, x in zip(self.cache[number], new))

    def _cross(self, attention: Attention, rows: Tensor, number: int) -> Tensor:
        """All hypotheses of a sentence ask one copy of its source: [N, r, D] -> [N, r, D]."""
        together = rows.reshape(self.sentences, -1, rows.size(-1))
        return _attend(attention, together, *self.cross[number], self.cross_mask).view_as(rows)


def _heads(rows: Tensor, heads: int) -> Tensor:
    """[N, r, D] -> [N, H, r, D / H]"""
    return rows.unflatten(2, (heads, -1)).transpose(1, 2)


def _attend(attention: Attention, rows: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    queries = _heads(attention.q_proj(rows), attention.heads)
    out = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    return attention.out_proj(out.transpose(1, 2).flatten(2))
