"""A stream beside CTC and beside a graph: the loss of a plain Transformer on the same weights, and its search."""

from dataclasses import replace

import pytest
import torch
from golden_zoo import SYMBOLS, close, golden_shape

from janus.decoding.decoding import Decoding
from janus.errors import InputError
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer
from janus.noise.masks import batch_generator

SOURCE = torch.tensor([[0, 5, 6, 7, 8, 2], [0, 9, 10, 2, 1, 1]])
TARGET = torch.tensor([[0, 11, 12, 13, 14, 2], [0, 15, 16, 2, 1, 1]])
STEP = Step(update=0, smoothing=0.1, training=False)
# Graphs have no label smoothing, the stream beside them has.
METHODS = {"ctc": {}, "dat": {"factor": 3.0, "longest": 64}}


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


def model_of(name, **options):
    torch.manual_seed(1)
    method = make_method(name, {**METHODS[name], **options})
    return method, method.network(method.configure(golden_shape(24)))


def packed_of(method):
    return method.pack(SOURCE, TARGET, SYMBOLS, batch_generator(1))


def plain_of(model):
    """A plain Transformer on the weights of `model`."""
    shared = model.state_dict()
    plain = JanusTransformer(replace(golden_shape(24), **{
        key: getattr(model.config, key)
        for key in ("scale_embedding", "activation", "length", "ar_readout", "target_positions")
    }))  # fmt: skip
    plain.load_state_dict({key: shared[key] for key in plain.state_dict()})
    return plain


def test_the_loss_is_the_sum_with_that_of_a_plain_transformer(name):
    (alone, model), (both, _) = model_of(name), model_of(name, ar=0.5)
    plain = make_method("joint", {"losses": {"ar": 1}, "ar_readout": "content"})
    ar = plain.loss(plain_of(model), packed_of(plain), STEP)
    without, loss = alone.loss(model, packed_of(alone), STEP), both.loss(model, packed_of(both), STEP)
    close(loss.total, without.total + 0.5 * ar.total)
    close(loss.terms["ar"], ar.terms["ar"])
    assert "beside" not in packed_of(alone) and set(loss.terms) - set(without.terms) == {"ar", "ar_nll"}


def test_it_is_decoded_as_a_plain_transformer_is(name):
    _, model = model_of(name, ar=1.0)
    source = Source.of(SOURCE, 1)
    how = {"beam": 3, "max_len_b": 8}
    ours = Decoding.of(manner="ar", method=name, **how).decode(model.eval(), source)
    theirs = Decoding.of(manner="ar", **how).decode(plain_of(model).eval(), source)
    assert [one.tokens.tolist() for found in ours for one in found] == [
        one.tokens.tolist() for found in theirs for one in found
    ]


def test_both_sides_have_gradients(name):
    both, model = model_of(name, ar=1.0)
    both.loss(model, packed_of(both), replace(STEP, update=1, training=True)).total.backward()
    assert all(weight.grad is not None for key, weight in model.named_parameters() if "embed_length" not in key)


def test_predictions_of_every_layer_have_no_stream_beside_them():
    with pytest.raises(InputError, match="a stream beside predictions of every layer"):
        make_method("ctc", {"ar": 1.0, "layerwise": True})
