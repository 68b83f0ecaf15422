"""A training step that computes as the authors' release does, rebuilt from its description: the rival to measure.

Sources and streams are padded, masks are dense and filled sentence by sentence, content and query rows pass each layer
one after the other and project keys and values anew, all content rows are scored, and the losses are made of whole
rows x words tensors. It has the parameters of `JanusTransformer` and the numbers of the `release` recipe; `Measures`
undoes one habit after the other. Axes: B sentences, S source, T AR, A content (observed, masks, gold), M query places,
D model, V vocabulary.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from janus.methods.base.joint_loss import Weights, length_loss
from janus.model.attention import Attention
from janus.model.dropout import dropout
from janus.model.layers import DecoderLayer, EncoderLayer
from janus.model.streams import AUX_QUERY, GOLD, MASKED, OBSERVED, visible
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class Measures:
    """What is done better than in the release; nothing by default.

    vector_masks: fill all masks at once. keys_once: project keys and values once for all that ask. read_only: score
    only the rows that a loss reads. cheap_dropout: `janus.model.dropout` instead of torch's. encoder_passes: 1 shares
    one between AR and NAR, which another recipe than the release's allows.
    """

    vector_masks: bool = False
    keys_once: bool = False
    read_only: bool = False
    cheap_dropout: bool = False
    encoder_passes: int = 2


@dataclass(frozen=True)
class PaddedBatch:
    """What the release's data loader hands to its model.

    source: [B, S]. tokens, labels, positions: [B, T] of the AR stream. hidden_label: [B, T], whether a label is masked.
    content, content_place: [B, A]. observed, masked: [B] how many. query_place, query_label: [B, M]. lengths: [B].
    """

    source: Tensor
    tokens: Tensor
    labels: Tensor
    positions: Tensor
    hidden_label: Tensor
    content: Tensor
    content_place: Tensor
    observed: Tensor
    masked: Tensor
    query_place: Tensor
    query_label: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, source: Tensor, target: Tensor, masked: Tensor, *, pad: int, mask: int, own: bool) -> PaddedBatch:
        """From source [B, S], target [B, T + 1] and its masks; own: AR queries stand where their token will."""
        lengths = target.ne(pad).sum(1)
        content, place, query_place, query_label = [], [], [], []
        for row, hidden, length in zip(target, masked, lengths.tolist()):
            shown, gone = (~hidden[:length]).nonzero()[:, 0], hidden.nonzero()[:, 0]
            content.append(torch.cat([row[shown], torch.full_like(gone, mask), row[gone]]))
            place.append(torch.cat([shown, gone, gone]))
            query_place.append(gone)
            query_label.append(row[gone])
        present = target[:, 1:].ne(pad)
        padded = functools.partial(pad_sequence, batch_first=True)
        return cls(
            source=source,
            tokens=target[:, :-1],
            labels=target[:, 1:],
            positions=(torch.arange(target.size(1) - 1) + own).expand(present.shape),
            hidden_label=masked[:, 1:],
            content=padded(content, padding_value=pad),
            content_place=padded(place),
            observed=lengths - masked.sum(1),
            masked=masked.sum(1),
            query_place=padded(query_place),
            query_label=padded(query_label, padding_value=pad),
            lengths=lengths,
        )

    def to(self, device: str) -> PaddedBatch:
        """The same batch on another device."""
        return PaddedBatch(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def release_loss(
    model: JanusTransformer, batch: PaddedBatch, weights: Weights, smoothing: float, measures: Measures
) -> Tensor:
    """The total of `janus.methods.base.joint_loss.joint_loss` for this batch, computed as described above."""
    return _Pass(model, measures).loss(batch, weights, smoothing)


def whole_loss(
    ar: Tensor,
    nar: Tensor,
    aux: Tensor,
    ar_labels: Tensor,
    labels: Tensor,
    hidden: Tensor,
    weights: Weights,
    eps: float,
) -> Tensor:
    """Cross entropies and divergences of equation 5 from logits ar [N, V] and nar, aux [M, V], on whole tensors.

    ar_labels: [N]. labels: [M]. hidden: the rows of `ar` that speak of masked tokens, [N] boolean or [M] row numbers.
    eps: the smoothing.
    """
    same = ar[hidden]
    return (
        weights.ar * _cross_entropy(ar, ar_labels, eps)
        + weights.nar * _cross_entropy(nar, labels, eps)
        + weights.aux * _cross_entropy(aux, labels, eps)
        + weights.kl_ar_aux * _divergence(same, aux)
        + weights.kl_nar_aux * _divergence(nar, aux)
        + (weights.kl_ar_nar * _divergence(same, nar) if weights.kl_ar_nar else 0)
    )


def _cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    log_probs = F.log_softmax(logits.float(), -1)
    return (1 - smoothing) * F.nll_loss(log_probs, labels) - smoothing * log_probs.mean()


def _divergence(one: Tensor, other: Tensor) -> Tensor:
    """Half the sum of both Kullback-Leibler divergences, mean over rows."""
    p, q = F.softmax(one.float(), -1), F.softmax(other.float(), -1)
    log_p, log_q = F.log_softmax(one.float(), -1), F.log_softmax(other.float(), -1)
    both = F.kl_div(log_q, p, reduction="none") + F.kl_div(log_p, q, reduction="none")
    return both.sum(-1).mean() / 2


class _Pass:
    """One forward pass."""

    def __init__(self, model: JanusTransformer, measures: Measures):
        self.model, self.config, self.measures = model, model.config, measures
        self.drop = dropout if measures.cheap_dropout else F.dropout
        self.keys_values = functools.cache(Attention.keys_values) if measures.keys_once else Attention.keys_values

    def loss(self, batch: PaddedBatch, weights: Weights, smoothing: float) -> Tensor:
        absent = batch.source.eq(self.config.pad)
        encoded = [self._encode(batch.source, absent) for _ in range(self.measures.encoder_passes)]
        ar_query = self._ar(batch, encoded[0], absent[:, None])
        nar_content, aux_query = self._nar(batch, encoded[-1], absent[:, None])
        real, asked = batch.labels.ne(self.config.pad), batch.query_label.ne(self.config.pad)
        total = whole_loss(
            self._score(ar_query, real),
            self._score(nar_content, self._slots(batch)),
            self._score(aux_query, asked),
            batch.labels[real],
            batch.query_label[asked],
            batch.hidden_label[real],
            weights,
            smoothing,
        )
        if not weights.length:
            return total
        present = ~absent[..., None]
        mean = (encoded[-1] * present).sum(1) / present.sum(1)
        return total + weights.length * length_loss(
            F.linear(mean, self.model.decoder.embed_length.weight), batch.lengths
        )

    def _score(self, rows: Tensor, read: Tensor) -> Tensor:
        """Logits [R, V] of the rows [B, ., D] named by `read` [B, .]."""
        return self.model.project(rows[read]) if self.measures.read_only else self.model.project(rows)[read]

    def _slots(self, batch: PaddedBatch) -> Tensor:
        """[B, A]: where the masks of the content stand."""
        place = torch.arange(batch.content.size(1), device=batch.content.device)
        observed = batch.observed[:, None]
        return (place >= observed) & (place < observed + batch.masked[:, None])

    def _encode(self, source: Tensor, absent: Tensor) -> Tensor:
        position = torch.arange(source.size(1), device=source.device).expand_as(source)
        rows = self._embed(self.model.encoder, source, position)
        for layer in self.model.encoder.layers:
            rows = self._feed_forward(layer, self._attend_self(layer, rows, rows, absent[:, None]))
        return rows

    def _ar(self, batch: PaddedBatch, encoded: Tensor, absent: Tensor) -> Tensor:
        """Rows [B, T, D] of the AR queries."""
        decoder, width = self.model.decoder, batch.tokens.size(1)
        place = torch.arange(width, device=encoded.device).expand_as(batch.tokens)
        content = self._embed(decoder, batch.tokens, place)
        query = self._embed(decoder, torch.full_like(batch.tokens, self.config.mask), batch.positions)
        future = torch.ones(width, width, dtype=torch.bool, device=encoded.device).triu(1)[None]
        return self._decode(content, query, future, future, encoded, absent)[1]

    def _nar(self, batch: PaddedBatch, encoded: Tensor, absent: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of the masked stream's content [B, A, D] and of the AUX queries [B, M, D]."""
        decoder = self.model.decoder
        content = self._embed(decoder, batch.content, batch.content_place)
        query = self._embed(decoder, torch.full_like(batch.query_place, self.config.mask), batch.query_place)
        masks = _vector_masks(batch) if self.measures.vector_masks else _looped_masks(batch)
        return self._decode(content, query, *masks, encoded, absent)

    def _decode(
        self, content: Tensor, query: Tensor, unseen: Tensor, query_unseen: Tensor, encoded: Tensor, absent: Tensor
    ) -> tuple[Tensor, Tensor]:
        for layer in self.model.decoder.layers:
            answering = content
            content = self._layer(layer, content, answering, unseen, encoded, absent)
            query = self._layer(layer, query, answering, query_unseen, encoded, absent)
        return content, query

    def _layer(
        self, layer: DecoderLayer, rows: Tensor, answering: Tensor, unseen: Tensor, encoded: Tensor, absent: Tensor
    ) -> Tensor:
        rows = self._attend_self(layer, rows, answering, unseen)
        crossed = self._attend(layer.encoder_attn, rows, encoded, absent)
        return self._feed_forward(layer, self._residual(layer.encoder_attn_layer_norm, rows, crossed))

    def _attend_self(
        self, layer: EncoderLayer | DecoderLayer, rows: Tensor, answering: Tensor, unseen: Tensor
    ) -> Tensor:
        attended = self._attend(layer.self_attn, rows, answering, unseen)
        return self._residual(layer.self_attn_layer_norm, rows, attended)

    def _attend(self, attention: Attention, asking: Tensor, answering: Tensor, unseen: Tensor) -> Tensor:
        """Rows [B, Q, D] ask rows [B, K, D], of which they do not see `unseen` [B or 1, Q or 1, K]."""
        parts = (attention.q_proj(asking), *self.keys_values(attention, answering))
        q, k, v = (part.unflatten(2, (attention.heads, -1)).transpose(1, 2) for part in parts)
        scores = (q * q.size(-1) ** -0.5) @ k.transpose(-2, -1)
        seen = scores.masked_fill(unseen[:, None], -torch.inf).softmax(-1) @ v
        return attention.out_proj(seen.transpose(1, 2).flatten(2))

    def _feed_forward(self, layer: EncoderLayer | DecoderLayer, rows: Tensor) -> Tensor:
        return self._residual(layer.final_layer_norm, rows, layer.fc2(layer.activation(layer.fc1(rows))))

    def _residual(self, norm: torch.nn.LayerNorm, rows: Tensor, update: Tensor) -> Tensor:
        return norm(rows + self.drop(update, self.config.dropout, self.model.training))

    def _embed(self, side: torch.nn.Module, tokens: Tensor, place: Tensor) -> Tensor:
        rows = side.embed_tokens(tokens) * math.sqrt(self.config.dimension) + side.embed_positions(place)
        return self.drop(rows, self.config.dropout, self.model.training)


def _looped_masks(batch: PaddedBatch) -> tuple[Tensor, Tensor]:
    """What content [B, A, A] and queries [B, M, A] do not see; rows that are padding see all real ones."""
    sentences, width = batch.content.shape
    options = dict(dtype=torch.bool, device=batch.content.device)
    content = torch.ones(sentences, width, width, **options)
    query = torch.ones(sentences, batch.query_place.size(1), width, **options)
    for i in range(sentences):
        observed, masked = int(batch.observed[i]), int(batch.masked[i])
        masks, gold = slice(observed, observed + masked), slice(observed + masked, observed + 2 * masked)
        square = torch.ones(masked, masked, **options)
        content[i, : masks.stop, : masks.stop] = False
        content[i, gold, :observed] = query[i, :masked, :observed] = False
        content[i, gold, masks], content[i, gold, gold] = square.tril(), square.triu(1)
        query[i, :masked, masks], query[i, :masked, gold] = square.tril(-1), square.triu()
        content[i, gold.stop :, : gold.stop] = query[i, masked:, : gold.stop] = False
    return content, query


def _vector_masks(batch: PaddedBatch) -> tuple[Tensor, Tensor]:
    """The same from the closed form, without a loop."""
    place = torch.arange(batch.content.size(1), device=batch.content.device)
    ends = torch.stack([batch.observed, batch.observed + batch.masked, batch.observed + 2 * batch.masked], 1)
    part = (place[None, :, None] >= ends[:, None]).sum(-1)
    kind = torch.tensor([OBSERVED, MASKED, GOLD, -1], device=place.device)[part]
    rank = torch.arange(batch.query_place.size(1), device=place.device)
    query_kind = torch.where(rank < batch.masked[:, None], AUX_QUERY, -1)
    keys = kind[:, None], batch.content_place[:, None]

    def unseen(of: Tensor, at: Tensor) -> Tensor:
        seen = visible(of[:, :, None], at[:, :, None], *keys) | ((of == -1)[:, :, None] & (kind != -1)[:, None])
        return ~seen

    return unseen(kind, batch.content_place), unseen(query_kind, batch.query_place)
