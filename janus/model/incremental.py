"""Step-by-step decoding with a key-value cache over the content stream (paper section 3.2: inference reads the query
stream).

The cache of the release stores each content position twice, so its content stream differs from training. Here every
position is stored once, so the steps compute exactly the teacher-forced pass.

Axes: B sentences, W hypotheses of each, N = B * W, H heads, S source places, t steps so far, D model, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from janus.model.attention import Attention
from janus.model.transformer import JanusTransformer, Memory
from kernels.cached_attention import cached_attention

# The initial number of steps of a cache; it is doubled when they are used up.
_FIRST_STEPS = 16


class IncrementalDecoder:
    """The decoder of one batch during left-to-right search. Inference only: dropout is never applied."""

    def __init__(self, model: JanusTransformer, memory: Memory):
        self.model, self.config = model, model.config
        self.reads_query = model.config.ar_readout == "query"
        layout = memory.layout
        heads = model.config.decoder_heads
        # For each layer [B, H, S, E]
        self.cross = [(_heads(layout.pad(k), heads), _heads(layout.pad(v), heads)) for k, v in memory.layers]
        filled = layout.filled()
        self.cross_mask = None if filled.all() else filled[:, None, None]
        self.sentences = layout.groups
        self.cache = _Cache(heads)

    def step(self, token: Tensor, index: int) -> Tensor:
        """Feed the token [N] at place `index` and score its successor: [N, V].

        The W = N / B rows of a sentence are contiguous; W may change between steps with `reorder`.
        """
        rows = self._embed(token, index)
        self.cache.begin_step(rows)
        last = len(self.model.decoder.layers) - 1
        for number, layer in enumerate(self.model.decoder.blocks()):
            self.cache.put(number, *layer.self_attn.keys_values(rows[:, 0]))
            asking = rows[:, -1:] if number == last else rows
            attended = self.cache.attend(number, layer.self_attn, asking)
            asking = layer.residual(asking, attended, layer.self_attn_layer_norm).exact
            crossed = self._cross(layer.encoder_attn, asking, number)
            rows = layer.feed_forward(layer.residual(asking, crossed, layer.encoder_attn_layer_norm)).exact
        return self.model.project(rows[:, -1])

    def reorder(self, rows: Tensor) -> None:
        """Continue from the hypotheses named by `rows` [N'], numbered as in the last step."""
        self.cache.reorder(rows)

    def keep(self, sentences: Tensor) -> None:
        """Keep the source of these sentences [B'] only; `reorder` drops the hypotheses of the others."""
        self.cross = [(k.index_select(0, sentences), v.index_select(0, sentences)) for k, v in self.cross]
        if self.cross_mask is not None:
            self.cross_mask = self.cross_mask.index_select(0, sentences)
        self.sentences = sentences.numel()

    def _embed(self, token: Tensor, index: int) -> Tensor:
        """[N, 1 or 2, D]: the content row, then the query row if the model reads one."""
        decoder = self.model.decoder
        content = decoder.embed(token, token.new_full(token.shape, index))
        if not self.reads_query:
            return content[:, None]
        place = index + 1 if self.config.query_position == "own" else index
        query = decoder.embed(token.new_full((1,), self.config.mask), token.new_full((1,), place))
        return torch.stack([content, query.expand_as(content)], 1)

    def _cross(self, attention: Attention, rows: Tensor, number: int) -> Tensor:
        """Cross-attention; the hypotheses of a sentence share one copy of its source: [N, r, D] -> [N, r, D]."""
        together = rows.reshape(self.sentences, -1, rows.size(-1))
        queries = _heads(attention.q_proj(together), attention.heads)
        keys, values = self.cross[number]
        out = F.scaled_dot_product_attention(queries, keys, values, attn_mask=self.cross_mask)
        return attention.out_proj(out.transpose(1, 2).flatten(2)).view_as(rows)


class _Cache:
    """Keys and values of the content rows of all steps so far, and which of them each hypothesis continues."""

    def __init__(self, heads: int):
        self.heads, self.steps = heads, 0
        # For each layer [T', W', H, E], with room for more steps and for the rows of the largest one.
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        # [N, t]
        self.ancestors = torch.empty(0, 0, dtype=torch.int32)

    def begin_step(self, rows: Tensor) -> None:
        """Begin a step with as many hypotheses as `rows` [N, r, D] has, each continuing itself."""
        own = torch.arange(rows.size(0), dtype=torch.int32, device=rows.device)[:, None]
        self.ancestors = torch.cat([self.ancestors, own], 1) if self.steps else own
        self.steps += 1

    def put(self, layer: int, keys: Tensor, values: Tensor) -> None:
        """Store the keys and values [N, D] of this step."""
        for memory, new in ((self.keys, keys), (self.values, values)):
            rows = new.unflatten(1, (self.heads, -1))
            memory[layer] = _with_room(memory.get(layer), self.steps, rows)
            memory[layer][self.steps - 1, : rows.size(0)] = rows

    def attend(self, layer: int, attention: Attention, rows: Tensor) -> Tensor:
        """Attention of rows [N, r, D] over the steps of their hypothesis: [N, r, D]."""
        queries = attention.q_proj(rows).unflatten(2, (self.heads, -1))
        keys, values = (memory[layer][: self.steps] for memory in (self.keys, self.values))
        return attention.out_proj(cached_attention(queries, keys, values, self.ancestors).flatten(2))

    def reorder(self, rows: Tensor) -> None:
        """Continue from the hypotheses named by `rows` [N']."""
        if self.steps:
            self.ancestors = self.ancestors.index_select(0, rows)


def _with_room(memory: Tensor | None, steps: int, rows: Tensor) -> Tensor:
    """Memory [T', W', H, E] for at least `steps` steps with the rows of `rows` [W, H, E]; keeps the content."""
    if memory is None:
        return rows.new_empty(_FIRST_STEPS, *rows.shape)
    if steps <= memory.size(0) and rows.size(0) <= memory.size(1):
        return memory
    length = memory.size(0) * (2 if steps > memory.size(0) else 1)
    larger = memory.new_empty(length, max(memory.size(1), rows.size(0)), *memory.shape[2:])
    larger[: memory.size(0), : memory.size(1)] = memory
    return larger


def _heads(rows: Tensor, heads: int) -> Tensor:
    """[N, r, D] -> [N, H, r, D / H]"""
    return rows.unflatten(2, (heads, -1)).transpose(1, 2)
