"""Loss terms against torch's own, the recipes against the paper's equations."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from janus.model.transformer import StreamStates
from janus.objective import PAPER, RELEASE, Weights, joint_loss, length_loss


@pytest.fixture
def states():
    """Hidden rows that are their own logits: the vocabulary is the identity."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    labels = torch.randint(0, 11, (9,), generator=generator)
    masked = torch.tensor([1, 4, 8])
    return StreamStates(
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
    """L = L_AR + L_NAR + L_AUX + L_KL with both directions of both divergences, and a tenth of the length loss."""
    total, terms = joint_loss(states, LENGTHS, PAPER, 0.0)
    ar, nar, aux = (getattr(states, name).log_softmax(-1) for name in ("ar", "nar", "aux"))
    at_masked = ar[states.ar_masked]
    kl = sum(
        F.kl_div(b, a, reduction="batchmean", log_target=True)
        for a, b in ((at_masked, aux), (aux, at_masked), (nar, aux), (aux, nar))
    )
    cross = (
        F.nll_loss(ar, states.ar_labels) + F.nll_loss(nar, states.masked_labels) + F.nll_loss(aux, states.masked_labels)
    )
    torch.testing.assert_close(total, cross + kl + 0.1 * length_loss(states.length, LENGTHS))
    assert "kl_ar_nar" not in terms


def test_the_release_weighs_otherwise(states):
    total, t = joint_loss(states, LENGTHS, RELEASE, 0.1)
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
    total, terms = joint_loss(states, LENGTHS, weights, 0.1)
    torch.testing.assert_close(total, sum(weight * terms[name] for name, weight in vars(weights).items() if weight))


def test_the_releases_pretraining_divides_by_all_target_tokens(states):
    """Masked terms are sums over 3 masked of 9 target tokens (janus_pretrain_loss.py of the release)."""
    weights = Weights(ar=0.5, nar=0.5, aux=0.5, kl_ar_aux=0.5, kl_nar_aux=0.5)
    total, t = joint_loss(states, LENGTHS, weights, 0.0, masked_mean="all")
    expected = 0.5 * t["ar"] + 3 / 9 * 0.5 * (t["nar"] + t["aux"] + t["kl_ar_aux"] + t["kl_nar_aux"])
    torch.testing.assert_close(total, expected)


def test_terms_carry_no_gradient(states):
    learning = replace(states, ar=states.ar.requires_grad_())
    total, terms = joint_loss(learning, LENGTHS, PAPER, 0.1)
    assert total.requires_grad and not any(term.requires_grad for term in terms.values())


def test_a_batch_without_masked_or_replaced_tokens_has_a_loss(states):
    none = torch.zeros(0, 11)
    empty = replace(states, nar=none, aux=none, masked_labels=states.masked_labels[:0], ar_masked=states.ar_masked[:0])
    total, terms = joint_loss(empty, LENGTHS, replace(PAPER, correction=1), 0.1)
    assert terms["nar"] == terms["aux"] == terms["kl_ar_aux"] == terms["correction"] == 0
    torch.testing.assert_close(total, terms["ar"] + 0.1 * terms["length"])


def test_reads():
    assert (PAPER.reads_ar, PAPER.reads_nar, PAPER.reads_aux) == (True, True, True)
    assert not Weights(aux=1, length=0.1).reads_nar
    assert Weights(correction=1).reads_nar and not Weights(ar=1).reads_aux
