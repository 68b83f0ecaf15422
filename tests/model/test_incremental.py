"""Cached decoding steps against the teacher-forced pass, under both positions of the AR query.

The teacher-forced pass is one decoder call over whole targets, whose rows `tests/test_streams.py` checks one by one.
"""

import pytest
import torch

from janus.model.config import TransformerConfig
from janus.model.incremental import IncrementalDecoder
from janus.model.ragged import Source
from janus.model.streams import pack_streams
from janus.model.transformer import JanusTransformer

PAD, MASK, WORDS = 1, 3, 41
STEPS, BEAM = 9, 3
RECIPES = [("query", "own"), ("query", "previous"), ("content", "previous")]
PRECISIONS = [(torch.float32, 1e-5), (torch.float64, 1e-12)]


def model_of(readout: str, query_position: str, dtype: torch.dtype, layers: tuple[int, int] = (1, 3)):
    """Weights large enough that a position off by one moves every logit."""
    torch.manual_seed(5)
    config = TransformerConfig(
        WORDS,
        WORDS,
        dimension=16,
        encoder_layers=layers[0],
        decoder_layers=layers[1],
        encoder_ffn=24,
        decoder_ffn=24,
        encoder_heads=2,
        decoder_heads=4,
        source_positions=32,
        target_positions=STEPS + 1,
        ar_readout=readout,
        query_position=query_position,
    )
    model = JanusTransformer(config).to(dtype).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def encode(model: JanusTransformer, lengths: list[int]):
    """Memory of sources of the given lengths; unequal ones leave cells of the source grid empty."""
    rows = [torch.randint(4, WORDS, (length,)) for length in lengths]
    source = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)
    return model.encode(Source.of(source, PAD))[0], source


def teacher_forced(model: JanusTransformer, source: torch.Tensor, prefix: torch.Tensor) -> torch.Tensor:
    """Scores [N, t, V] of the successors of all tokens of prefixes [N, t], source [N, S] beside each."""
    # The pass predicts from all tokens but the last, which nobody reads.
    target = torch.cat([prefix, prefix.new_full((len(prefix), 1), 4)], 1)
    nothing = torch.zeros_like(target, dtype=torch.bool)
    position = model.config.query_position
    streams = pack_streams(target, nothing, pad=PAD, mask=MASK, nar=False, aux=False, query_position=position)
    memory, _ = model.encode(Source.of(source, PAD))
    read = streams.read["ar"].rows if model.config.ar_readout == "query" else torch.arange(streams.content)
    return model.project(model.decoder(streams, memory, read)).view(*prefix.shape, -1)


@pytest.mark.parametrize(("readout", "query_position"), RECIPES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("lengths", [[7], [5, 5, 5], [2, 9, 1, 4]])
@torch.no_grad()
def test_steps_equal_the_teacher_forced_pass(readout, query_position, dtype, tolerance, lengths):
    model = model_of(readout, query_position, dtype)
    memory, source = encode(model, lengths)
    tokens = torch.randint(4, WORDS, (len(lengths), STEPS))
    decoder = IncrementalDecoder(model, memory)
    steps = torch.stack([decoder.step(tokens[:, i], i) for i in range(STEPS)], 1)
    torch.testing.assert_close(steps, teacher_forced(model, source, tokens), rtol=0, atol=tolerance)


@pytest.mark.parametrize(("readout", "query_position"), RECIPES)
@torch.no_grad()
def test_one_decoder_layer_behind_a_deep_encoder(readout, query_position):
    """Only one layer has keys and values to keep, and it is the last one, which computes what is read alone."""
    model = model_of(readout, query_position, torch.float64, layers=(4, 1))
    memory, source = encode(model, [2, 9, 1, 4])
    assert (len(model.encoder.layers), len(memory.layers)) == (4, 1)
    tokens = torch.randint(4, WORDS, (4, STEPS))
    decoder = IncrementalDecoder(model, memory)
    steps = torch.stack([decoder.step(tokens[:, i], i) for i in range(STEPS)], 1)
    torch.testing.assert_close(steps, teacher_forced(model, source, tokens), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("readout", "query_position"), RECIPES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@torch.no_grad()
def test_a_beam_that_is_reordered_and_shrinks_equals_it_too(readout, query_position, dtype, tolerance):
    """Each step hypotheses change places within their sentence; sentences finish and leave at two of the steps."""
    model = model_of(readout, query_position, dtype)
    memory, source = encode(model, [3, 8, 1, 5])
    decoder = IncrementalDecoder(model, memory)
    # [B, W, t], in the order of the decoder's rows.
    prefix = torch.randint(4, WORDS, (4, BEAM, 1))
    for index in range(STEPS):
        scores = decoder.step(prefix[..., -1].flatten(), index)
        each = source.repeat_interleave(BEAM, 0)
        expected = teacher_forced(model, each, prefix.flatten(0, 1))[:, -1]
        torch.testing.assert_close(scores, expected, rtol=0, atol=tolerance)
        live = {2: [0, 1, 3], 5: [1, 2]}.get(index, list(range(len(source))))
        if len(live) < len(source):
            decoder.keep(torch.tensor(live))
        parent = torch.randint(BEAM, (len(live), BEAM))
        decoder.reorder((torch.tensor(live)[:, None] * BEAM + parent).flatten())
        source = source[live]
        prefix = prefix[live].gather(1, parent[..., None].expand(-1, -1, index + 1))
        prefix = torch.cat([prefix, torch.randint(4, WORDS, (len(live), BEAM, 1))], 2)


@torch.no_grad()
def test_the_beam_may_widen_after_the_first_step():
    """One row of each sentence is fed at first, W copies of it afterwards."""
    model = model_of("query", "own", torch.float64)
    memory, source = encode(model, [4, 6])
    decoder = IncrementalDecoder(model, memory)
    first = torch.tensor([0, 0])
    alone = decoder.step(first, 0)
    decoder.reorder(torch.tensor([0, 0, 1, 1]))
    second = torch.randint(4, WORDS, (4,))
    scores = decoder.step(second, 1)
    prefix = torch.stack([first.repeat_interleave(2), second], 1)
    expected = teacher_forced(model, source.repeat_interleave(2, 0), prefix)
    torch.testing.assert_close(alone, expected[[0, 2], 0], rtol=0, atol=1e-12)
    torch.testing.assert_close(scores, expected[:, 1], rtol=0, atol=1e-12)


@torch.no_grad()
def test_the_two_query_positions_are_two_models():
    """What the comparison above rests on: a position off by one shows in the scores."""
    scores = []
    for query_position in ("own", "previous"):
        model = model_of("query", query_position, torch.float64)
        memory, _ = encode(model, [4])
        scores.append(IncrementalDecoder(model, memory).step(torch.tensor([0]), 0))
    assert (scores[0] - scores[1]).abs().max() > 0.01
