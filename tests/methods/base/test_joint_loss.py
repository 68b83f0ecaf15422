"""Loss terms against torch's own, the recipes against the paper's equations."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from stream_states import FlatStates

from janus.methods.base.joint_loss import (
    PAPER,
    RELEASE,
    CorrectionWeights,
    Weights,
    joint_loss,
    length_loss,
    target_tokens,
)


@pytest.fixture
def states():
    """Hidden rows that are their own logits: the vocabulary is the identity."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    labels = torch.randint(0, 11, (9,), generator=generator)
    masked = torch.tensor([1, 4, 8])
    return FlatStates(
        ar=draw(9, 11),
        nar=draw(3, 11),
        aux=draw(3, 11),
        corrected=draw(0, 11),
        vocabulary=torch.eye(11),
        length=draw(2, 7),
        ar_labels=labels,
        masked_labels=labels[masked],
        corrected_labels=labels[:0],
        ar_masked=masked,
    )


LENGTHS = torch.tensor([3, 900])


def test_equation_5(states):
    """L = L_AR + L_NAR + L_AUX + L_KL as printed: sums over tokens, both directions of both divergences.

    All of it over the number of target tokens, as fairseq normalises an update; and a tenth of the length loss.
    """
    total, terms = joint_loss(states.made, LENGTHS, PAPER, 0.0, reduction="sum")
    ar, nar, aux = (getattr(states, name).log_softmax(-1) for name in ("ar", "nar", "aux"))
    at_masked = ar[states.ar_masked]
    kl = sum(
        F.kl_div(b, a, reduction="sum", log_target=True)
        for a, b in ((at_masked, aux), (aux, at_masked), (nar, aux), (aux, nar))
    )
    cross = sum(
        F.nll_loss(rows, labels, reduction="sum")
        for rows, labels in ((ar, states.ar_labels), (nar, states.masked_labels), (aux, states.masked_labels))
    )
    torch.testing.assert_close(total, (cross + kl) / 9 + 0.1 * length_loss(states.length, LENGTHS))
    assert "kl_ar_nar" not in terms


def test_means_weigh_a_masked_token_more(states):
    """The mean over 3 masked of 9 target tokens is three times what their sum adds to the paper's loss."""
    nar = Weights(nar=1)
    mean, _ = joint_loss(states.made, LENGTHS, nar, 0.1)
    summed, terms = joint_loss(states.made, LENGTHS, nar, 0.1, reduction="sum")
    torch.testing.assert_close(mean, 3 * summed)
    torch.testing.assert_close(mean, terms["nar"])
    ar = Weights(ar=1)
    torch.testing.assert_close(
        *(joint_loss(states.made, LENGTHS, ar, 0.1, reduction=name)[0] for name in ("sum", "mean"))
    )


def test_without_an_ar_stream_the_target_tokens_are_counted_all_the_same(states):
    made = states.made
    none = replace(made, read={name: one for name, one in made.read.items() if name != "ar"})
    lengths = torch.tensor([5, 6])
    assert target_tokens(none, lengths) == target_tokens(states.made, lengths) == 9
    totals = [joint_loss(one, lengths, Weights(nar=1, aux=1), 0.1, reduction="sum")[0] for one in (none, made)]
    torch.testing.assert_close(*totals)


def test_the_release_weighs_otherwise(states):
    total, t = joint_loss(states.made, LENGTHS, RELEASE, 0.1)
    expected = (
        t["ar"]
        + 0.5 * (t["nar"] + t["aux"])
        + 3 * t["kl_ar_aux"]
        + t["kl_nar_aux"]
        + t["kl_ar_nar"]
        + 0.1 * t["length"]
    )
    torch.testing.assert_close(total, expected)


def test_lengths_beyond_the_classes_count_as_the_last(states):
    torch.testing.assert_close(
        length_loss(states.length, LENGTHS), F.cross_entropy(states.length, torch.tensor([3, 6]))
    )


@pytest.mark.parametrize("weights", [PAPER, RELEASE, Weights(ar=1, nar=1, kl_ar_nar=1, length=0.1)])
def test_total_is_the_weighted_sum_of_its_terms(states, weights):
    total, terms = joint_loss(states.made, LENGTHS, weights, 0.1)
    torch.testing.assert_close(total, sum(weight * terms[name] for name, weight in vars(weights).items() if weight))


def test_the_releases_pretraining_divides_by_all_target_tokens(states):
    """Masked terms are sums over 3 masked of 9 target tokens (janus_pretrain_loss.py of the release)."""
    weights = Weights(ar=0.5, nar=0.5, aux=0.5, kl_ar_aux=0.5, kl_nar_aux=0.5)
    total, t = joint_loss(states.made, LENGTHS, weights, 0.0, reduction="sum")
    expected = 0.5 * t["ar"] + 3 / 9 * 0.5 * (t["nar"] + t["aux"] + t["kl_ar_aux"] + t["kl_nar_aux"])
    torch.testing.assert_close(total, expected)


def test_terms_carry_no_gradient(states):
    learning = replace(states, ar=states.ar.requires_grad_())
    total, terms = joint_loss(learning.made, LENGTHS, PAPER, 0.1)
    assert total.requires_grad and not any(term.requires_grad for term in terms.values())


def test_a_batch_without_masked_or_replaced_tokens_has_a_loss(states):
    none = torch.zeros(0, 11)
    empty = replace(states, nar=none, aux=none, masked_labels=states.masked_labels[:0], ar_masked=states.ar_masked[:0])
    for reduction in ("sum", "mean"):
        total, terms = joint_loss(
            empty.made, LENGTHS, CorrectionWeights(**vars(PAPER), correction=1), 0.1, reduction=reduction
        )
        assert terms["nar"] == terms["aux"] == terms["kl_ar_aux"] == terms["correction"] == 0
        torch.testing.assert_close(total, terms["ar"] + 0.1 * terms["length"])


def test_reads():
    assert (PAPER.reads_ar, PAPER.reads_nar, PAPER.reads_aux) == (True, True, True)
    assert not Weights(aux=1, length=0.1).reads_nar
    assert CorrectionWeights(correction=1).reads_nar and not Weights(ar=1).reads_aux


READS = {"ar": "ar", "nar": "nar", "aux": "aux", "correction": "nar", "length": ""}
READS |= {"kl_ar_aux": "ar aux", "kl_nar_aux": "nar aux", "kl_ar_nar": "ar nar"}


@pytest.mark.parametrize("term", READS)
def test_a_term_reads_its_streams_and_no_other(term):
    weights = CorrectionWeights(**{term: 0.25})
    read = {name for name in ("ar", "nar", "aux") if getattr(weights, f"reads_{name}")}
    assert read == set(READS[term].split())


def first_of(states: FlatStates, masked: int, others: int) -> FlatStates:
    """As many masked tokens, AR rows of them and of others, and as many others corrected."""
    rows = torch.cat([states.ar_masked[:masked], torch.tensor([0, 2, 3, 5])[:others]])
    corrected = torch.randn(4, 11, generator=torch.Generator().manual_seed(8))
    return replace(
        states,
        ar=states.ar[rows],
        nar=states.nar[:masked],
        aux=states.aux[:masked],
        corrected=corrected[: max(others, 1)],
        ar_labels=states.ar_labels[rows],
        masked_labels=states.masked_labels[:masked],
        corrected_labels=torch.tensor([3, 0, 10, 3])[: max(others, 1)],
        ar_masked=torch.arange(masked),
    )


@pytest.mark.parametrize("term", [name for name in READS if name != "length"])
@pytest.mark.parametrize(("masked", "others"), [(3, 4), (1, 0), (1, 1), (2, 0)])
def test_a_weight_alone_is_its_equation(states, term, masked, others):
    """Each term by torch's own functions, as the only one of the sum, with its gradient in every stream."""
    states = first_of(states, masked, others)
    leaves = {name: getattr(states, name).clone().requires_grad_() for name in ("ar", "nar", "aux", "corrected")}
    total, terms = joint_loss(replace(states, **leaves).made, LENGTHS, CorrectionWeights(**{term: 0.25}), 0.1)
    ours = torch.autograd.grad(total, list(leaves.values()), allow_unused=True, materialize_grads=True)
    logs = {name: leaf.log_softmax(-1) for name, leaf in leaves.items()}
    logs["ar_masked"] = logs["ar"][states.ar_masked]
    if term.startswith("kl"):
        one, other = (logs["ar_masked" if name == "ar" else name] for name in term.split("_")[1:])
        both = [F.kl_div(p, q, reduction="batchmean", log_target=True) for p, q in ((one, other), (other, one))]
        expected = sum(both) / 2
    else:
        name = "corrected" if term == "correction" else term
        labels = {"ar": states.ar_labels, "corrected": states.corrected_labels}.get(name, states.masked_labels)
        expected = F.cross_entropy(leaves[name], labels, label_smoothing=0.1)
        torch.testing.assert_close(terms[f"{term}_nll"], F.cross_entropy(leaves[name], labels).detach())
    torch.testing.assert_close(terms[term], expected.detach())
    torch.testing.assert_close(total, 0.25 * expected)
    theirs = torch.autograd.grad(0.25 * expected, list(leaves.values()), allow_unused=True, materialize_grads=True)
    torch.testing.assert_close(ours, theirs)


def test_lengths_below_the_classes_count_as_the_first(states):
    """Offsets to the source length may be negative beyond what there are classes for."""
    expected = F.cross_entropy(states.length, torch.tensor([0, 6]))
    torch.testing.assert_close(length_loss(states.length, torch.tensor([-2, 6])), expected)


def test_the_length_loss_is_in_single_precision(states):
    assert length_loss(states.length.half(), LENGTHS).dtype == torch.float32
