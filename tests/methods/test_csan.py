"""Convolutional self-attention against explicit loops over its equations, and its laws."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from janus.decoding.decoding import Decoding
from janus.methods.base.batch import Symbols
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.csan import window_view
from janus.model.attention import Attention, View
from janus.model.config import TransformerConfig
from janus.model.ragged import Ragged, Source
from janus.noise.masks import batch_generator

GOLDEN = {
    name: torch.from_numpy(value) for name, value in np.load(Path(__file__).parents[1] / "golden/csan.npz").items()
}
LENGTHS = GOLDEN["lengths"].long()
LAYOUT = Ragged(torch.arange(2).repeat_interleave(LENGTHS), 2)
PRESENT = torch.arange(9) < LENGTHS[:, None]
SHAPE = TransformerConfig(
    24, 24, dimension=16, encoder_layers=4, decoder_layers=1, encoder_ffn=16, decoder_ffn=16, dropout=0.0
)
SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)


@pytest.fixture
def attention():
    made = Attention(16, 4, 0.0)
    names = {"q_proj": "q", "k_proj": "k", "v_proj": "v", "out_proj": "o"}
    weights = {f"{name}.weight": GOLDEN[f"W_{letter}"] for name, letter in names.items()}
    made.load_state_dict(weights | {f"{name}.bias": GOLDEN[f"b_{letter}"] for name, letter in names.items()})
    return made


def attended(attention, view):
    rows = GOLDEN["x"][PRESENT]
    return attention(rows, *attention.keys_values(rows), view)


@pytest.mark.parametrize(("places", "heads"), [(11, 1), (3, 1), (5, 3), (11, 3)])
def test_the_golden_windows(attention, places, heads):
    ours = attended(attention, window_view(LAYOUT, places, heads))
    torch.testing.assert_close(ours, GOLDEN[f"out_M{places}_N{heads}"][PRESENT], rtol=0, atol=2e-5)


def test_a_window_of_everything_is_ordinary_attention(attention):
    ours = attended(attention, window_view(LAYOUT, 2 * 9 - 1, 1))
    torch.testing.assert_close(ours, attended(attention, View(LAYOUT, LAYOUT)), rtol=0, atol=1e-6)
    torch.testing.assert_close(ours, GOLDEN["out_full"][PRESENT], rtol=0, atol=2e-5)


@pytest.mark.parametrize("heads", [1, 3])
def test_an_even_window_is_the_next_odd_one(attention, heads):
    even, odd = (attended(attention, window_view(LAYOUT, places, heads)) for places in (4, 5))
    assert torch.equal(even, odd)


def test_one_dimension_on_the_grid_is_one_dimension_in_the_operator(attention):
    """The two-dimensional path with heads that see no other head, against the operator of spans."""
    rows = GOLDEN["x"][PRESENT]
    view = window_view(LAYOUT, 5, 1)
    q, (k, v) = attention.q_proj(rows), attention.keys_values(rows)
    alone = replace(view, reach=1)
    # Keys and values of one head alone: the neighbours do not exist.
    torch.testing.assert_close(alone.attend(q, k, v, 1, 0.0), view.attend(q, k, v, 1, 0.0), rtol=0, atol=1e-5)


@pytest.mark.parametrize("heads", [1, 3])
def test_gradients_reach_no_place_outside_the_window(attention, heads):
    rows = GOLDEN["x"][PRESENT].clone().requires_grad_()
    out = attention(rows, *attention.keys_values(rows), window_view(LAYOUT, 3, heads))
    (gradient,) = torch.autograd.grad(out[4].sum(), rows)
    assert gradient.abs().sum(1).nonzero()[:, 0].tolist() == [3, 4, 5]
    (gradient,) = torch.autograd.grad(
        attention(rows, *attention.keys_values(rows), window_view(LAYOUT, 3, heads))[9].sum(), rows
    )
    assert gradient.abs().sum(1).nonzero()[:, 0].tolist() == [9, 10], "a window ends with its sentence"


def model_of(method, seed=1):
    torch.manual_seed(seed)
    return method.network(method.configure(SHAPE)).eval()


def method_of(**windows):
    return make_method("csan", {"losses": {"ar": 1}, "ar_readout": "content", **windows})


def test_windows_are_in_the_lowest_layers():
    views = model_of(method_of()).encoder.views(LAYOUT)
    assert [getattr(view, "reach", None) for view in views] == [1, 1, 1, None]
    assert [view.spans is None for view in views] == [False, False, False, True]
    many = model_of(method_of(window_layers=9, window_heads=1)).encoder.views(LAYOUT)
    assert [view.spans is None for view in many] == [False] * 4


def test_without_windows_it_is_the_plain_model():
    method, plain = method_of(window_layers=0), make_method("joint", {"losses": {"ar": 1}, "ar_readout": "content"})
    ours, theirs = model_of(method), model_of(plain)
    theirs.load_state_dict(ours.state_dict())
    text = torch.tensor([[0, 5, 6, 7, 2], [0, 9, 8, 2, 1]])
    packed = method.pack(text, text, SYMBOLS, batch_generator(1))
    step = Step(update=0, smoothing=0.1, training=True)
    assert torch.equal(method.loss(ours, packed, step).total, plain.loss(theirs, packed, step).total)
    assert not torch.equal(
        method.loss(model_of(method_of(window_places=1)), packed, step).total,
        method.loss(ours, packed, step).total,
    )


@pytest.mark.parametrize("heads", [1, 3])
def test_a_sentence_alone_is_decoded_as_in_a_batch(heads):
    model = model_of(method_of(window_heads=heads, window_places=3))
    sources = torch.tensor([[0, 5, 6, 7, 9, 11, 2], [0, 9, 8, 2, 1, 1, 1], [0, 4, 13, 8, 2, 1, 1]])
    decoding = Decoding.of(manner="ar", method="csan", beam=3, max_len_b=8)
    together = decoding.decode(model, Source.of(sources, 1))
    encoded = model.encoder(Source.of(sources, 1)).split(sources.ne(1).sum(1).tolist())
    for row, expected, states in zip(sources, together, encoded, strict=True):
        alone = Source.of(row[row.ne(1)][None], 1)
        torch.testing.assert_close(model.encoder(alone), states, rtol=0, atol=2e-5)
        [hypotheses] = decoding.decode(model, alone)
        assert hypotheses[0].tokens.tolist() == expected[0].tokens.tolist()
