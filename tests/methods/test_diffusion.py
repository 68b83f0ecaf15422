"""Absorbing diffusion: its bound by enumeration, its masks, and a model trained and decoded alone and in a batch."""

import itertools
import math

import numpy as np
import pytest
import torch

from janus.errors import InputError
from janus.methods.base.batch import Symbols, rows_of, source_of
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.diffusion import DiffusionOptions
from janus.model.config import TransformerConfig
from janus.model.rows import States
from janus.noise.masks import batch_generator, maskable

SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)
VOCABULARY, CELLS = 8, 3
EXACT = Step(update=0, smoothing=0.0, training=False)
SENTENCE = [5, 7, 4]
MASKS = [mask for mask in itertools.product([False, True], repeat=CELLS) if any(mask)]


def method_of(**options):
    return make_method("diffusion", {"length": 0.0} | options)


def tiny_model(method):
    torch.manual_seed(3)
    sizes = dict(dimension=16, encoder_layers=1, decoder_layers=2, encoder_ffn=16, decoder_ffn=16)
    shape = TransformerConfig(VOCABULARY, VOCABULARY, **sizes, encoder_heads=2, decoder_heads=2, length_classes=12)
    return method.network(method.configure(shape)).eval()


def framed(words):
    return torch.tensor([[SYMBOLS.bos, *words, SYMBOLS.eos]])


def weighted_nll(method, model, words, masks, weights):
    """The sum over `masks` of the weighted negative log-likelihoods of the masked tokens, by the method's loss."""
    target = framed(words).expand(len(masks), -1)
    masked = torch.tensor([[False, *mask, False] for mask in masks])
    packed = method.packed(target, target, masked, torch.tensor(weights, dtype=torch.float), SYMBOLS)
    return float(method.loss(model, packed, EXACT).total.detach()) * len(masks) * CELLS


def closed_form(mask):
    return 1 / (sum(mask) * math.comb(CELLS, sum(mask)))


def bound(method, model, words):
    return weighted_nll(method, model, words, MASKS, [closed_form(mask) for mask in MASKS])


def log_likelihood(method, model, words):
    """Of the reverse process, which shows one token at a time, all orders being equally likely."""
    orders = []
    for order in itertools.permutations(range(CELLS)):
        total = 0.0
        for shown in range(CELLS):
            hidden = [place not in order[:shown] for place in range(CELLS)]
            total -= nll_at(method, model, words, hidden, order[shown])
        orders.append(total)
    return float(np.logaddexp.reduce(orders)) - math.log(math.factorial(CELLS))


def nll_at(method, model, words, hidden, place):
    masked = torch.tensor([[False, *hidden, False]])
    packed = method.packed(framed(words), framed(words), masked, torch.ones(1), SYMBOLS)
    states = model(*arguments(packed))
    read = states.read["nar"]
    row = sum(hidden[:place])
    logits = (states.hidden["nar"] @ states.vocabulary.T).double()
    assert int(read.labels[row]) == words[place]
    return -float(logits.log_softmax(-1)[row, words[place]].detach())


def arguments(packed):
    return source_of(packed["source"]), rows_of(packed["streams"])


def posterior_model(table):
    """A model whose predictions are the exact conditionals of a table of probabilities over words^3."""

    def forward(_, streams):
        read = streams.read["nar"]
        rows = []
        for row in read.rows.tolist():
            own = streams.sentence == streams.sentence[row]
            seen = {
                int(place) - 1: int(token)
                for place, token in zip(streams.place[own], streams.token[own])
                if 0 < place <= CELLS and token != SYMBOLS.mask
            }
            index = tuple(seen.get(place, slice(None)) for place in range(CELLS))
            free = [place for place in range(CELLS) if place not in seen]
            axis = free.index(int(streams.place[row]) - 1)
            share = table[index].movedim(axis, 0).reshape(VOCABULARY, -1).sum(1)
            rows.append((share / share.sum()).log())
        return States({"nar": torch.stack(rows).float()}, streams.read, torch.eye(VOCABULARY), None)

    return forward


@pytest.fixture
def method():
    return method_of()


@pytest.mark.parametrize("words", [SENTENCE, [4, 4, 6]])
def test_it_bounds_the_likelihood(method, words):
    model = tiny_model(method)
    assert bound(method, model, words) > -log_likelihood(method, model, words) + 1e-4


def test_the_exact_posterior_meets_the_bound(method):
    generator = torch.Generator().manual_seed(5)
    table = torch.rand(VOCABULARY, VOCABULARY, VOCABULARY, generator=generator, dtype=torch.float64)
    table[[SYMBOLS.mask]] = table[:, [SYMBOLS.mask]] = table[:, :, [SYMBOLS.mask]] = 1e-12
    table /= table.sum()
    model = posterior_model(table)
    for words in (SENTENCE, [4, 6, 6], [7, 5, 4]):
        assert bound(method, model, words) == pytest.approx(-math.log(table[tuple(words)]), rel=1e-5)


@pytest.mark.parametrize("masked", [1, 2, 3])
def test_the_weight_of_a_mask_is_the_integral_over_time(masked):
    nodes, weights = np.polynomial.legendre.leggauss(20)
    times = torch.tensor((nodes + 1) / 2)
    chance = times**masked * (1 - times) ** (CELLS - masked)
    integral = float((DiffusionOptions().weight(times) * chance * torch.tensor(weights / 2)).sum())
    assert integral == pytest.approx(1 / (masked * math.comb(CELLS, masked)), rel=1e-9)
    # By count: one of the numbers of masked tokens, then one of the masks of that number.
    by_count = float(DiffusionOptions(masks="count").weight(torch.tensor(masked / CELLS, dtype=torch.float64)))
    assert by_count / CELLS / math.comb(CELLS, masked) == pytest.approx(integral, rel=1e-6)


def test_one_step_is_the_likelihood_of_independent_tokens():
    """With one step of time all tokens are masked, and the bound is the negative log-likelihood itself."""
    method = method_of(steps=1)
    assert method.options.times(4, batch_generator(1)).tolist() == [1, 1, 1, 1]
    model = tiny_model(method)
    everything = [True] * CELLS
    total = weighted_nll(method, model, SENTENCE, [everything], [1.0])
    expected = sum(nll_at(method, model, SENTENCE, everything, place) for place in range(CELLS))
    assert total == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"spread": False}, {"masks": "count"}, {"steps": 1000}])
def test_drawn_masks_have_the_bound_as_their_mean(options):
    method = method_of(**options)
    model = tiny_model(method)
    target = framed(SENTENCE).expand(6_000, -1)
    packed = method.pack(target, target, SYMBOLS, batch_generator(1))
    drawn = float(method.loss(model, packed, EXACT).terms["bound"]) * CELLS
    assert drawn == pytest.approx(bound(method, model, SENTENCE), rel=0.05)


def test_weights_of_the_papers():
    quarter = torch.tensor([0.25])
    assert DiffusionOptions().weight(quarter).tolist() == [4]
    assert DiffusionOptions(weighting="linear").weight(quarter).tolist() == [0.75]
    assert DiffusionOptions(weighting="none").weight(quarter).tolist() == [1]
    # RDM counts its 50 steps from 0 and masks with (step + 1) / 50, so step 0 weighs 1.
    stepwise = DiffusionOptions(weighting="linear", steps=50)
    assert stepwise.weight(torch.tensor([1 / 50, 1.0])).tolist() == pytest.approx([1, 1 / 50])


def test_times_are_spread_and_never_zero():
    times = DiffusionOptions().times(100, batch_generator(4)).sort().values
    assert (times > 0).all() and (times <= 1).all()
    assert times.diff().tolist() == pytest.approx([0.01] * 99, abs=1e-5)
    steps = DiffusionOptions(steps=4, spread=False).times(1000, batch_generator(4))
    assert set(steps.tolist()) == {0.25, 0.5, 0.75, 1.0}


def test_only_words_are_masked_and_draws_repeat(method):
    target = torch.tensor([[0, 4, 5, 6, 2], [0, 7, 2, 1, 1]])
    one, other = (method.pack(target, target, SYMBOLS, batch_generator(9)) for _ in range(2))
    assert torch.equal(one["weight"], other["weight"])
    assert torch.equal(one["streams"]["token"], other["streams"]["token"])
    for seed in range(20):
        packed = method.pack(target, target, SYMBOLS, batch_generator(seed))
        rows = arguments(packed)[1]
        read = rows.read["nar"].rows
        assert maskable(target, pad=SYMBOLS.pad)[rows.sentence[read], rows.place[read]].all()


def test_label_smoothing_and_the_length_join_the_total_only():
    method = method_of(length=0.1)
    model = tiny_model(method)
    target = framed(SENTENCE).expand(6, -1)
    packed = method.pack(target, target, SYMBOLS, batch_generator(1))
    plain, smoothed = (method.loss(model, packed, Step(0, smoothing, True)) for smoothing in (0.0, 0.1))
    torch.testing.assert_close(plain.terms["bound"], smoothed.terms["bound"])
    torch.testing.assert_close(plain.total, plain.terms["bound"] + 0.1 * plain.terms["length"])
    assert float((smoothed.total - plain.total).detach().abs()) > 1e-3


def test_a_batch_is_the_mean_of_its_tokens(method):
    """Padding changes nothing: sums over tokens of two sentences add up."""
    model = tiny_model(method)
    target = torch.tensor([[0, 4, 5, 6, 2], [0, 7, 2, 1, 1]])
    masked, weight = torch.tensor([[0, 1, 0, 1, 0], [0, 1, 0, 0, 0]]).bool(), torch.tensor([2.0, 3.0])
    both = method.loss(model, method.packed(target, target, masked, weight, SYMBOLS), EXACT)
    parts = [
        method.loss(model, method.packed(target[i, None, :n], target[i, None, :n], *alone, SYMBOLS), EXACT)
        for i, n in ((0, 5), (1, 3))
        for alone in [(masked[i, None, :n], weight[i, None])]
    ]
    assert (both.size, [part.size for part in parts]) == (4, [3, 1])
    torch.testing.assert_close(both.total * 4, parts[0].total * 3 + parts[1].total)


def test_masks_by_count_have_no_steps():
    with pytest.raises(InputError, match="masks by count have no steps of time"):
        method_of(masks="count", steps=50)
