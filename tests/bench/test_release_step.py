"""The rebuilt step of the release computes our numbers, whichever of its habits are undone."""

import pytest
import torch

from janus.bench.batches import PAD, UNK, Batch
from janus.bench.release_step import Measures, PaddedBatch, _looped_masks, _vector_masks, release_loss, whole_loss
from janus.methods.base.joint_loss import PAPER, RELEASE, joint_loss
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer
from janus.noise.masks import batch_generator, span_mask

WORDS = 41
MEASURES = [
    Measures(),
    Measures(vector_masks=True),
    Measures(keys_once=True),
    Measures(read_only=True),
    Measures(cheap_dropout=True),
    Measures(True, True, True, True),
]


def draw(seed: int, sentences: int = 5) -> Batch:
    """Random sentences of 1 to 12 words, something hidden in most of them."""
    generator = batch_generator(seed)

    def side() -> torch.Tensor:
        lengths = torch.randint(1, 13, (sentences,), generator=generator).tolist()
        rows = [torch.tensor([0, *torch.randint(4, WORDS, (n,), generator=generator), 2]) for n in lengths]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)

    target = side()
    return Batch(side(), target, span_mask(target, pad=PAD, budget=0.7, poisson=2.0, generator=generator))


def padded(batch: Batch, *, own: bool) -> PaddedBatch:
    return PaddedBatch.of(batch.source, batch.target, batch.masked, pad=PAD, mask=UNK, own=own)


def model_of(passes: int, dropout: float = 0.0) -> JanusTransformer:
    torch.manual_seed(passes)
    sizes = dict(dimension=16, encoder_layers=2, decoder_layers=3, encoder_ffn=24, decoder_ffn=24)
    heads = dict(encoder_heads=2, decoder_heads=2, source_positions=32, target_positions=32)
    model = JanusTransformer(
        TransformerConfig(WORDS, WORDS, **sizes, **heads, dropout=dropout, length_classes=20, encoder_passes=passes)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.train()


def gradients(model: JanusTransformer, total: torch.Tensor) -> list[torch.Tensor]:
    return [total, *torch.autograd.grad(total, list(model.parameters()))]


def assert_same(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        # Gradients of key biases are zero but for rounding.
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * max(0.1, float(other.detach().abs().max())))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("measures", MEASURES, ids=str)
def test_equals_the_release_recipe(seed, measures):
    batch, model = draw(seed), model_of(2)
    streams = batch.packed_streams(query_position="previous")
    expected, _ = joint_loss(model(batch.packed_source(), streams), batch.target.ne(PAD).sum(1), RELEASE, 0.1)
    total = release_loss(model, padded(batch, own=False), RELEASE, 0.1, measures)
    assert_same(gradients(model, total), gradients(model, expected))


def test_equals_the_paper_recipe_with_one_encoder_pass():
    batch, model = draw(4), model_of(1)
    streams = batch.packed_streams(query_position="own")
    expected, _ = joint_loss(model(batch.packed_source(), streams), batch.target.ne(PAD).sum(1), PAPER, 0.1)
    total = release_loss(model, padded(batch, own=True), PAPER, 0.1, Measures(encoder_passes=1))
    assert_same(gradients(model, total), gradients(model, expected))


def test_whole_tensors_equal_chunks():
    batch, model = draw(5), model_of(2)
    states = model(batch.packed_source(), batch.packed_streams(query_position="previous"))
    logits = (model.project(rows) for rows in map(states.hidden.get, ("ar", "nar", "aux")))
    labels = states.read["ar"].labels, states.read["nar"].labels, states.read["ar"].masked
    weights = RELEASE.__class__(**{**RELEASE.__dict__, "length": 0.0})
    expected, _ = joint_loss(states, batch.target.ne(PAD).sum(1), weights, 0.1)
    torch.testing.assert_close(whole_loss(*logits, *labels, weights, 0.1), expected)


@pytest.mark.parametrize("seed", range(4))
def test_masks_of_loop_and_closed_form(seed):
    batch = padded(draw(seed), own=False)
    for looped, closed in zip(_looped_masks(batch), _vector_masks(batch)):
        assert torch.equal(looped, closed)


def test_two_passes_draw_their_own_dropout():
    """With dropout the release's two encodings differ, so two passes are no copy of one."""
    batch, model = padded(draw(6), own=False), model_of(2, dropout=0.5)
    torch.manual_seed(1)
    two = release_loss(model, batch, RELEASE, 0.1, Measures())
    torch.manual_seed(1)
    one = release_loss(model, batch, RELEASE, 0.1, Measures(encoder_passes=1))
    assert not torch.isclose(two, one)
