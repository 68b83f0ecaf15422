"""The adversarial softmax against the numbers of its authors' code, and its laws."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from stream_states import FlatStates

from janus.methods.base.batch import Symbols
from janus.methods.base.joint_loss import PAPER, RELEASE, Weights, adversarial_margins, joint_loss
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.model.config import TransformerConfig
from janus.noise.masks import batch_generator
from kernels.joint_loss import joint_loss as vocabulary_loss

GOLDEN = {
    name: torch.from_numpy(value).to(torch.long if value.dtype == np.int32 else torch.float32)
    for name, value in np.load(Path(__file__).parents[1] / "golden" / "advsoft.npz").items()
}
RADIUS = float(GOLDEN["epsilon"])
SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)


def with_bias(hidden, vocabulary, bias):
    """The authors' output layer has a bias: one more unit, that is 1 in every hidden row."""
    return torch.cat([hidden, torch.ones_like(hidden[:, :1])], 1), torch.cat([vocabulary, bias[:, None]], 1)


def golden_rows(name):
    """Hidden rows, vocabulary, labels and margins."""
    hidden, labels, words = GOLDEN[f"{name}.h"], GOLDEN[f"{name}.targets"], GOLDEN["embedding"]
    return hidden, words, labels, adversarial_margins(hidden, words, labels, RADIUS)


@pytest.mark.parametrize("name", ["distinct", "repeated"])
def test_the_margin_is_the_authors_reduction(name):
    torch.testing.assert_close(golden_rows(name)[3], GOLDEN[f"{name}.reduction_closed_form"], rtol=1e-5, atol=1e-6)


def test_the_loss_of_distinct_words_is_the_authors():
    hidden, words, labels, margins = golden_rows("distinct")
    rows = with_bias(hidden, words, GOLDEN["bias"])
    weights = torch.full((6,), 1 / 6)
    total, _, nll, _ = vocabulary_loss(*rows, labels, weights, 0, [], 0.0, margins)
    torch.testing.assert_close(total, GOLDEN["distinct.loss"], rtol=1e-5, atol=0)
    torch.testing.assert_close(-nll, GOLDEN["distinct.log_probs"].gather(1, labels[:, None])[:, 0], rtol=0, atol=2e-5)


def test_repeated_words_share_a_direction_in_the_authors_code_alone():
    """Their noise is scattered by word: one place's direction serves all places of a word."""
    hidden, words, labels, margins = golden_rows("repeated")
    rows = with_bias(hidden, words, GOLDEN["bias"])
    _, _, nll, _ = vocabulary_loss(*rows, labels, torch.ones(6), 0, [], 0.0, margins)
    off = (-nll - GOLDEN["repeated.log_probs"].gather(1, labels[:, None])[:, 0]).abs()
    once = torch.tensor([(labels == label).sum() == 1 for label in labels])
    assert (off[once] < 2e-5).all() and 0.05 < float(off[~once].max()) < 0.2


def law_loss(radius):
    hidden, words = (GOLDEN[f"law.{name}"].clone().requires_grad_() for name in ("h", "W"))
    labels = GOLDEN["law.targets"]
    margins = adversarial_margins(hidden, words, labels, radius) if radius else None
    total, *_ = vocabulary_loss(hidden, words, labels, torch.ones(5), 0, [], 0.0, margins)
    return total, hidden, words, labels


def test_the_loss_and_the_gradients_of_the_closed_form():
    total, hidden, words, _ = law_loss(RADIUS)
    torch.testing.assert_close(total / 5, GOLDEN["law.loss"], rtol=1e-5, atol=0)
    gradients = torch.autograd.grad(total / 5, (hidden, words))
    for ours, theirs in zip(gradients, (GOLDEN["law.grad_h"], GOLDEN["law.grad_W"])):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(law_loss(0)[0] / 5, GOLDEN["law.loss_plain"], rtol=1e-5, atol=0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradient_ascent_in_the_ball_reaches_the_closed_form(smoothing):
    """The gold word's vector may move by `RADIUS` of its length, separately at each place; all gold logits positive."""
    hidden, words = GOLDEN["law.h"].double(), GOLDEN["law.W"].double()
    labels = GOLDEN["law.targets"]
    hidden = hidden * (words[labels] * hidden).sum(1, keepdim=True).sign()
    margins = adversarial_margins(hidden, words, labels, RADIUS)
    expected = vocabulary_loss(hidden, words, labels, torch.ones(5), 0, [], smoothing, margins)[1]
    bound = RADIUS * words[labels].norm(dim=1, keepdim=True)
    moved = torch.zeros_like(hidden).requires_grad_()
    for _ in range(200):
        logits = (hidden @ words.T).scatter_add(1, labels[:, None], (moved * hidden).sum(1, keepdim=True))
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
        (ascent,) = torch.autograd.grad(loss.sum(), moved)
        step = moved + ascent / ascent.norm(dim=1, keepdim=True) * bound
        # Back into the ball.
        moved = (step * (bound / step.norm(dim=1, keepdim=True)).clamp(max=1)).detach().requires_grad_()
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-9, atol=1e-9)


def test_nothing_flows_into_the_words_through_the_margin():
    hidden, words = GOLDEN["law.h"].clone().requires_grad_(), GOLDEN["law.W"].clone().requires_grad_()
    labels = GOLDEN["law.targets"]
    margins = adversarial_margins(hidden, words, labels, RADIUS)
    (gradient,) = torch.autograd.grad(margins.sum(), hidden)
    gold = words.detach()[labels]
    positive = (gold * hidden.detach()).sum(1, keepdim=True) > 0
    assert 0 < positive.sum() < 5
    norms = gold.norm(dim=1, keepdim=True) * positive
    torch.testing.assert_close(gradient, RADIUS * norms * F.normalize(hidden.detach(), dim=1))
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(adversarial_margins(hidden, words, labels, RADIUS).sum(), words)


def flat_states():
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 11, (9,), generator=generator)
    masked = torch.tensor([1, 4, 8])
    rows = {name: torch.randn(n, 11, generator=generator) for name, n in (("ar", 9), ("nar", 3), ("aux", 3))}
    return FlatStates(
        **rows,
        corrected=torch.zeros(0, 11),
        vocabulary=torch.eye(11),
        length=torch.randn(2, 7, generator=generator),
        ar_labels=labels,
        masked_labels=labels[masked],
        corrected_labels=labels[:0],
        ar_masked=masked,
    ).made


@pytest.mark.parametrize("weights", [PAPER, RELEASE, Weights(nar=1), Weights(aux=1)])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_cross_entropies_grow_and_divergences_stay(weights, reduction):
    """AR, NAR and AUX alike; a Kullback-Leibler term reads what it always reads."""
    states, lengths = flat_states(), torch.tensor([5, 6])
    plain, before = joint_loss(states, lengths, weights, 0.1, reduction=reduction)
    total, after = joint_loss(states, lengths, weights, 0.1, reduction=reduction, adversarial=RADIUS)
    assert total > plain
    for name in before:
        words = name.removesuffix("_nll") in ("ar", "nar", "aux")
        assert after[name] >= before[name] if words else torch.equal(after[name], before[name]), name


def test_only_training_is_adversarial():
    method = make_method("joint", {"losses": {"ar": 1, "nar": 1}, "adversarial": 0.3})
    same = make_method("joint", {"losses": {"ar": 1, "nar": 1}})
    torch.manual_seed(3)
    sizes = dict(dimension=16, encoder_layers=1, decoder_layers=1, encoder_ffn=16, decoder_ffn=16, dropout=0.0)
    model = method.network(method.configure(TransformerConfig(20, 20, **sizes)))
    text = torch.tensor([[0, 5, 6, 7, 2], [0, 9, 8, 2, 1]])
    packed = method.pack(text, text, SYMBOLS, batch_generator(1))
    steps = [Step(update=0, smoothing=0.1, training=training) for training in (True, False)]
    (adversarial, validated), (plain, _) = (
        [float(one.loss(model, packed, step).total.detach()) for step in steps] for one in (method, same)
    )
    assert validated == plain < adversarial
