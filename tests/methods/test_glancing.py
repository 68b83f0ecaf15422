"""Joint training with glancing: what is shown, and that it is joint training otherwise."""

import pytest
import torch

from janus.methods.base.batch import Symbols
from janus.methods.base.glancing import shown_cells
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.model.config import TransformerConfig
from janus.noise.masks import batch_generator, maskable

SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)
LOSSES = {"ar": 1, "nar": 1, "aux": 1, "kl_ar_aux": 2, "kl_nar_aux": 2, "length": 0.1}
SHAPE = TransformerConfig(
    source_vocabulary=20,
    target_vocabulary=20,
    dimension=16,
    encoder_layers=2,
    decoder_layers=2,
    encoder_ffn=32,
    decoder_ffn=32,
    dropout=0.0,
    length_classes=32,
)
SOURCE = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 9, 2, 1]])
TARGET = torch.tensor([[0, 9, 10, 11, 12, 13, 2], [0, 14, 15, 16, 2, 1, 1]])
INNER = maskable(TARGET, pad=1)
TRAIN, VALIDATE = (Step(update=0, smoothing=0.1, training=training) for training in (True, False))


@pytest.fixture
def model():
    torch.manual_seed(3)
    made = make_method("glancing", {"losses": LOSSES})
    return made.network(made.configure(SHAPE))


def loss_of(model, step, **options):
    method = make_method("glancing", {"losses": LOSSES, **options})
    return method.loss(model, method.pack(SOURCE, TARGET, SYMBOLS, batch_generator(1)), step)


def joint_loss_of(model, masked):
    method = make_method("joint", {"losses": LOSSES})
    packed = method.pack(SOURCE, TARGET, SYMBOLS, batch_generator(1))
    return method.loss(model, packed | {"streams": method.streams(TARGET, masked, SYMBOLS)}, TRAIN)


def test_without_glances_every_inner_token_is_a_mask(model):
    ours = loss_of(model, TRAIN, glance_first=0.0, glance_last=0.0)
    theirs = joint_loss_of(model, INNER)
    torch.testing.assert_close(ours.total, theirs.total)
    assert ours.size == theirs.size and set(ours.terms) == set(theirs.terms)


def test_validation_shows_nothing(model):
    torch.testing.assert_close(loss_of(model, VALIDATE).total, joint_loss_of(model, INNER).total)


def test_a_share_of_the_wrong_tokens_is_shown(model):
    """Of 5 and of 3 tokens that are all wrong, half are shown: 2 and 1."""
    method = make_method("glancing", {"losses": LOSSES, "glance_first": 0.5})
    packed = method.pack(SOURCE, TARGET, SYMBOLS, batch_generator(1))
    with torch.no_grad():
        # Of equal scores the first counts, that of bos, which is no inner token.
        model.decoder.output_projection.weight.zero_()
    seen = []
    streams = method.streams
    method.streams = lambda target, masked, symbols: seen.append(masked) or streams(target, masked, symbols)
    method.loss(model, packed, TRAIN)
    [masked] = seen
    assert masked.sum(1).tolist() == [3, 2] and not (masked & ~INNER).any()
    rank = torch.full(TARGET.shape, 99).masked_scatter(INNER, packed["rank"])
    assert torch.equal(INNER & ~masked, (rank < torch.tensor([[2], [1]])) & INNER)


def test_the_loss_is_joint_training_on_its_masks(model):
    method = make_method("glancing", {"losses": LOSSES, "glance_first": 0.9})
    seen = []
    streams = method.streams
    method.streams = lambda target, masked, symbols: seen.append(masked) or streams(target, masked, symbols)
    total = method.loss(model, method.pack(SOURCE, TARGET, SYMBOLS, batch_generator(1)), TRAIN).total
    torch.testing.assert_close(total, joint_loss_of(model, seen[0]).total)
    total.backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_the_distance_is_of_each_sentence_alone():
    rank = torch.tensor([0, 1, 2, 3, 1, 0])
    wrong = torch.tensor([True, True, True, False, False, False])
    sentence = torch.tensor([0, 0, 0, 0, 1, 1])
    shown = shown_cells(rank, wrong, sentence, 2, 0.7)
    assert shown.tolist() == [True, True, False, False, False, False]
