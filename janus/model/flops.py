"""The multiply-adds that an update requires, computed from the lengths of its sentences.

Counted are one encoder pass; decoder layers over the rows of all streams, with keys and values only of content rows,
and once of the source; attention products between rows that see each other; vocabulary scores of the rows that a loss
reads. Embeddings, norms, softmaxes and losses are not matrix products and are not counted. Every layer counts in full,
although the last one may skip rows that no loss reads. Axes: B sentences.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import astuple, dataclass

from torch import Tensor

from janus.model.config import TransformerConfig
from janus.model.streams import AR_CONTENT, AR_QUERY, AUX_QUERY, GOLD, MASKED, OBSERVED

# The kinds of decoder rows (see janus.model.streams) that a system's losses need.
TRANSFORMER = frozenset({AR_CONTENT})
CMLM = frozenset({OBSERVED, MASKED})
JANUS = frozenset({AR_CONTENT, AR_QUERY, OBSERVED, MASKED, GOLD, AUX_QUERY})

_CONTENT = {AR_CONTENT, OBSERVED, MASKED, GOLD}


@dataclass(frozen=True)
class Work:
    """Multiply-adds of one forward pass, by part.

    encoder, decoder: linear layers. attention: products of queries with keys and of weights with values, of both
    sides. vocabulary: scores of the target words. length: scores of the target lengths.
    """

    encoder: int
    decoder: int
    attention: int
    vocabulary: int
    length: int

    @property
    def forward(self) -> int:
        """Multiply-adds of the forward pass."""
        return sum(astuple(self))

    @property
    def update(self) -> int:
        """Multiply-adds of forward and backward pass: each product has two gradients."""
        return 3 * self.forward


def necessary_work(config: TransformerConfig, kinds: Set[int], source: Tensor, target: Tensor, masked: Tensor) -> Work:
    """The minimum work of a batch.

    kinds: the decoder rows, e.g. `JANUS`. source: [B] source tokens as the encoder reads them. target: [B] predicted
    tokens, including eos but not bos. masked: [B] masked tokens.
    """
    rows = {kind: count for kind, count in _rows(target, masked).items() if kind in kinds}
    read = kinds & ({AR_QUERY, MASKED, AUX_QUERY} if AR_QUERY in kinds else {AR_CONTENT, MASKED, AUX_QUERY})
    asking, answering = (sum(int(rows[kind].sum()) for kind in part) for part in (rows, rows.keys() & _CONTENT))
    return work_of_rows(
        config,
        sources=int(source.sum()),
        source_pairs=int((source * source).sum()),
        asking=asking,
        answering=answering,
        pairs=sum(int(pairs.sum()) for kind, pairs in _pairs(target, masked).items() if kind in kinds)
        + int((sum(rows.values()) * source).sum()),
        read=sum(int(rows[kind].sum()) for kind in read),
        sentences=target.numel(),
    )


def work_of_rows(
    config: TransformerConfig,
    *,
    sources: int,
    source_pairs: int,
    asking: int,
    answering: int,
    pairs: int,
    read: int,
    sentences: int,
) -> Work:
    """The work of one encoder and one decoder pass.

    sources: rows of the encoder. source_pairs: their pairs that see each other. asking: rows of the decoder, of which
    `answering` are content, with keys and values. pairs: decoder rows with the content and source rows they see. read:
    rows whose words are predicted. sentences: those whose length is predicted.
    """
    wide, encoder, decoder = config.dimension, config.encoder_layers, config.decoder_layers
    square = wide * wide
    # A decoder row has query and output projections in both attentions; keys and values are of content rows and source.
    per_row = 4 * square + 2 * wide * config.decoder_ffn
    return Work(
        encoder=encoder * sources * (4 * square + 2 * wide * config.encoder_ffn),
        decoder=decoder * (asking * per_row + 2 * square * (answering + sources)),
        attention=2 * wide * (encoder * source_pairs + decoder * pairs),
        vocabulary=wide * config.target_vocabulary * read,
        length=0 if config.length == "none" else wide * config.length_classes * sentences,
    )


def _rows(target: Tensor, masked: Tensor) -> dict[int, Tensor]:
    """Rows [B] of each kind; the canvas of the masked streams holds bos besides the predicted tokens."""
    return {
        AR_CONTENT: target,
        AR_QUERY: target,
        OBSERVED: target + 1 - masked,
        MASKED: masked,
        GOLD: masked,
        AUX_QUERY: masked,
    }


def _pairs(target: Tensor, masked: Tensor) -> dict[int, Tensor]:
    """The total number of keys that the rows of each kind see, [B].

    AR rows see 1, 2, … target keys. Each other row sees exactly one row of every place of its canvas: an observed
    token, and at a masked place either the mask or the gold token.
    """
    rows = _rows(target, masked)
    causal = target * (target + 1) // 2
    return {kind: causal if kind in (AR_CONTENT, AR_QUERY) else count * (target + 1) for kind, count in rows.items()}
