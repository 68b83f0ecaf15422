"""The shape of a model and the conventions of the toolkit it was trained with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TransformerConfig:
    """Everything besides the weights that determines what a checkpoint computes.

    vocabulary sizes count entries; widths are in units; `*_positions` bound sentence lengths in tokens.
    ar_readout: stream that predicts the next token, `query` for JANUS (section 3.1, AR pattern), `content` for a
    plain Transformer. query_position: see `janus.model.streams.pack_streams`.
    positions: `learned` or `sinusoidal`. length: `absolute` class, `offset` to the source length, or `none`.
    source_bos: whether sources start with bos. start: the symbol AR decoding starts from, `bos` or `eos`.
    scale_embedding: whether word vectors are multiplied by the root of the width. layernorm_embedding: whether the
    sums of word and position vectors are normalised. BART (Lewis et al., 2020) has no scale and the normalisation.
    tied: which of source embedding, target embedding and output projection are one tensor: `all`, `target`, `none`.
    """

    source_vocabulary: int
    target_vocabulary: int
    dimension: int = 512
    encoder_layers: int = 6
    decoder_layers: int = 6
    encoder_ffn: int = 1024
    decoder_ffn: int = 1024
    encoder_heads: int = 4
    decoder_heads: int = 4
    source_positions: int = 1024
    target_positions: int = 1024
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    activation: str = "relu"
    positions: str = "learned"
    scale_embedding: bool = True
    layernorm_embedding: bool = False
    tied: str = "all"
    length: str = "absolute"
    length_classes: int = 256
    ar_readout: str = "query"
    query_position: str = "own"
    encoder_passes: int = 1
    source_bos: bool = True
    start: str = "bos"
    bos: int = 0
    pad: int = 1
    eos: int = 2
    unk: int = 3

    @property
    def mask(self) -> int:
        """The mask symbol: the release and CMLM use unk and add no symbol of their own."""
        return self.unk
