"""Batches of the stored lengths, and the stored lengths against the whole list they were taken from."""

import lzma

import pytest
import torch
from real_data import BESIDE, needs

from janus.bench.batches import BOS, EOS, EPOCH_TOKENS, LENGTHS, PAD, UNK, draw_batches, read_lengths
from janus.errors import InputError
from janus.model.streams import AR_CONTENT

WHOLE = "iwslt14-de-en/train-bpe-lengths.tsv.xz"


def test_the_sample_has_the_means_of_the_corpus():
    """160,239 pairs of 25.18 and 24.65 tokens on average."""
    lengths = read_lengths()
    assert len(lengths) == 4006
    assert [sum(side) / len(lengths) for side in zip(*lengths)] == pytest.approx([25.18, 24.65], rel=0.01)
    assert LENGTHS.stat().st_size < 60_000


@needs(WHOLE, "250 kB")
def test_the_sample_is_every_fortieth_pair():
    pairs = [tuple(map(int, line.split())) for line in lzma.open(BESIDE / WHOLE, "rt")]
    assert read_lengths() == pairs[::40]
    assert sum(target for _, target in pairs) == EPOCH_TOKENS


def test_batches_hold_the_lengths_they_were_drawn_from():
    lengths = [(3, 4), (6, 2), (2, 5), (9, 9)]
    [batch] = draw_batches(1, 15, 50, lengths)
    source, target, masked = batch.counts()
    drawn = sorted(lengths)
    assert source.tolist() == [length + 1 for length, _ in drawn]
    assert target.tolist() == [length for _, length in drawn]
    assert batch.tokens == sum(target.tolist())
    for tokens in (batch.source, batch.target):
        assert tokens[:, 0].eq(BOS).all() and not tokens.eq(UNK).any()
        assert (tokens.eq(EOS).sum(1) == 1).all()
    assert not (batch.masked & (batch.target.eq(PAD) | batch.target.eq(BOS) | batch.target.eq(EOS))).any()
    assert masked.sum() > 0


def test_batches_reach_from_short_to_long():
    batches = draw_batches(4, 2048, 10_152, read_lengths())
    assert [2048 <= batch.tokens < 2048 + 200 for batch in batches] == [True] * 4
    means = [float(batch.counts()[0].float().mean()) for batch in batches]
    assert means == sorted(means) and means[-1] > 2 * means[0]
    again = draw_batches(4, 2048, 10_152, read_lengths())
    assert all(torch.equal(one.masked, other.masked) for one, other in zip(batches, again))


def test_too_few_lengths_are_refused():
    with pytest.raises(InputError, match="1 batches of 10 tokens, 2 requested"):
        draw_batches(2, 10, 50, [(3, 4), (5, 7)])


def test_plain_rows_predict_their_successor():
    [batch] = draw_batches(1, 60, 50, [(3, 4), (5, 7), (4, 60)])
    streams = batch.packed_streams(nar=False, aux=False, ar_readout="content")
    assert streams.kind.eq(AR_CONTENT).all()
    following = batch.target[streams.sentence, streams.place + 1]
    assert torch.equal(streams.read["ar"].labels, following) and torch.equal(streams.position, streams.place)
    assert streams.read["ar"].rows.numel() == batch.tokens == streams.content
