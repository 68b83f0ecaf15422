"""What `janus plan` counts of networks beside encoder and decoder, against their products written out."""

from dataclasses import replace

from checked_tiers import SYSTEMS

from janus.config.systems import method_of
from janus.planning.counting import beside, shape


def test_networks_beside_encoder_and_decoder_are_counted():
    """FlowSeq's posterior of two layers and prior of ten steps, against their products written out."""
    wide, inside, sources, rows = 32, 48, 8, 12
    model = {"embed_dim": wide, "ffn_dim": 64, "layers": 2, "heads": 2, "length_classes": 20}
    config = shape(SYSTEMS["flowseq"], model, 50)
    config = replace(config, flow_ffn=inside)
    update, decoding = (beside(method_of(SYSTEMS["flowseq"]), config, 6, 9, decoding=run) for run in (False, True))

    def layer(size, hidden, words, *, own=True):
        """Products of words that attend to each other and to the source, without output projections."""
        attention = 3 * size**2 * words + 2 * size * words**2
        cross = size**2 * (words + 2 * sources) + 2 * size * words * sources
        return attention + cross + 2 * size * hidden * words

    def couplings(size, words, *, halves, attends, by_row):
        """Couplings by halves of the channels or by every second row, with the projection of the source."""
        one = wide * size // 2 * sources + layer(size // 2, inside, words) + (size // 2) * size * words
        first = 3 * (size // 2) ** 2 * words + 2 * (size // 2) * words**2
        other = layer(size, inside, words // 2) + size * 2 * size * words // 2
        return halves * one + attends * first + by_row * other

    prior = 0
    for level, steps in enumerate((4, 4, 2)):
        last = level == 2
        by_half, by_row = 2 + 2 * steps * 4 + (not last), 2 * steps * 2 * (not last)
        prior += couplings(wide, rows // 2**level, halves=by_half, attends=1, by_row=by_row)
        prior += 2 * steps * wide * wide * rows // 2**level
    assert decoding.multiply_adds == prior
    heads = 2 * wide**2 * rows
    assert update.multiply_adds - decoding.multiply_adds == 2 * layer(wide, 64, rows) + heads
    assert update.layers - decoding.layers == 2
