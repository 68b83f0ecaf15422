"""The two-stream Transformer written down once more, as directly as possible: one sentence, dense masks, float64.

Nothing here comes from the package but names of weights: rows are listed in loops, each sees what the paper's Figure 2
lets it see, every attention is a matrix with minus infinity where it is blind.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

AR_CONTENT, AR_QUERY, OBSERVED, MASKED, GOLD, AUX_QUERY = range(6)
MASK = 3


def sees(query: int, i: int, key: int, k: int) -> bool:
    """Whether row `query` at place i sees content row `key` at place k: the paper's Figure 2, one row at a time."""
    if query in (AR_CONTENT, AR_QUERY):
        return key == AR_CONTENT and k <= i
    if key == OBSERVED:
        return True
    if query in (OBSERVED, MASKED):
        return key == MASKED
    if query == GOLD:
        return (key == MASKED and k > i) or (key == GOLD and k <= i)
    return (key == MASKED and k >= i) or (key == GOLD and k < i)


class Reference:
    """Logits of all streams of one sentence from the weights of a model in float64, and its length scores."""

    def __init__(self, config, weights: dict[str, Tensor]):
        self.config, self.weights = config, weights

    def encode(self, source: list[int]) -> Tensor:
        """[S, D]"""
        rows = self._embed("encoder", source, range(len(source)))
        everything = torch.ones(len(source), len(source), dtype=torch.bool)
        for number in range(self.config.encoder_layers):
            name = f"encoder.layers.{number}"
            attended = self._attend(f"{name}.self_attn", self.config.encoder_heads, rows, rows, everything)
            rows = self._norm(f"{name}.self_attn_layer_norm", rows + attended)
            rows = self._feed_forward(name, rows)
        return rows

    def lengths(self, encoded: Tensor) -> Tensor:
        """[L]"""
        return self.weights["decoder.embed_length.weight"] @ (encoded.sum(0) / len(encoded))

    def streams(self, encoded: Tensor, target: list[int], masked: set[int]) -> dict[tuple[int, int], Tensor]:
        """Logits [V] of every row by kind and place, target bos … eos."""
        rows = self._rows(target, masked)
        x = self._embed("decoder", [token for _, _, token, _ in rows], [position for *_, position in rows])
        content = [kind not in (AR_QUERY, AUX_QUERY) for kind, *_ in rows]
        own = torch.tensor([[c and sees(q, i, k, j) for (k, j, *_), c in zip(rows, content)] for q, i, *_ in rows])
        everything = torch.ones(len(rows), len(encoded), dtype=torch.bool)
        heads = self.config.decoder_heads
        for number in range(self.config.decoder_layers):
            name = f"decoder.layers.{number}"
            x = self._norm(f"{name}.self_attn_layer_norm", x + self._attend(f"{name}.self_attn", heads, x, x, own))
            crossed = self._attend(f"{name}.encoder_attn", heads, x, encoded, everything)
            x = self._norm(f"{name}.encoder_attn_layer_norm", x + crossed)
            x = self._feed_forward(name, x)
        logits = x @ self.weights["decoder.output_projection.weight"].T
        return {(kind, place): scores for (kind, place, *_), scores in zip(rows, logits)}

    def _rows(self, target: list[int], masked: set[int]) -> list[tuple[int, int, int, int]]:
        """Kind, place, token, position."""
        ahead = 1 if self.config.query_position == "own" else 0
        rows = []
        for i, token in enumerate(target):
            if i < len(target) - 1:
                rows += [(AR_CONTENT, i, token, i), (AR_QUERY, i, MASK, i + ahead)]
            if i in masked:
                rows += [(MASKED, i, MASK, i), (GOLD, i, token, i), (AUX_QUERY, i, MASK, i)]
            else:
                rows.append((OBSERVED, i, token, i))
        return rows

    def _embed(self, side: str, tokens, positions) -> Tensor:
        words, dimension = self.weights[f"{side}.embed_tokens.weight"], self.config.dimension
        scale = math.sqrt(dimension) if self.config.scale_embedding else 1.0
        rows = torch.stack([scale * words[t] + self._position(side, p) for t, p in zip(tokens, positions)])
        return self._norm(f"{side}.layernorm_embedding", rows) if self.config.layernorm_embedding else rows

    def _position(self, side: str, index: int) -> Tensor:
        """fairseq counts positions from the padding symbol on, and keeps the row of that symbol."""
        index += self.config.pad + 1
        if self.config.positions == "learned":
            return self.weights[f"{side}.embed_positions.weight"][index]
        half = self.config.dimension // 2
        # In single precision, as fairseq computes its table.
        step = torch.tensor(math.log(10000) / (half - 1), dtype=torch.float32)
        rates = [torch.exp(torch.tensor(float(i)) * -step) for i in range(half)]
        angles = [torch.tensor(float(index)) * rate for rate in rates]
        return torch.stack([a.sin() for a in angles] + [a.cos() for a in angles]).double()

    def _attend(self, name: str, heads: int, asking: Tensor, answering: Tensor, seen: Tensor) -> Tensor:
        q, k, v = (
            self._linear(f"{name}.{part}_proj", x) for part, x in (("q", asking), ("k", answering), ("v", answering))
        )
        size = self.config.dimension // heads
        outputs = []
        for head in range(heads):
            unit = slice(head * size, (head + 1) * size)
            scores = q[:, unit] @ k[:, unit].T / math.sqrt(size)
            outputs.append(scores.masked_fill(~seen, -math.inf).softmax(1) @ v[:, unit])
        return self._linear(f"{name}.out_proj", torch.cat(outputs, 1))

    def _feed_forward(self, name: str, rows: Tensor) -> Tensor:
        hidden = self._linear(f"{name}.fc1", rows)
        if self.config.activation == "relu":
            hidden = hidden * (hidden > 0)
        else:
            hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
        return self._norm(f"{name}.final_layer_norm", rows + self._linear(f"{name}.fc2", hidden))

    def _linear(self, name: str, rows: Tensor) -> Tensor:
        return rows @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, name: str, rows: Tensor) -> Tensor:
        centred = rows - rows.mean(1, keepdim=True)
        spread = torch.sqrt((centred**2).mean(1, keepdim=True) + 1e-5)
        return centred / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
