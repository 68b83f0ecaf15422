"""Loss terms against torch's own, the recipes against the paper's equations."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from janus.model.transformer import StreamLogits
from janus.objective import PAPER, RELEASE, Weights, joint_loss, label_smoothed, length_loss, symmetric_kl


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    labels = torch.randint(0, 11, (9,), generator=generator)
    masked = torch.tensor([1, 4, 8])
    return StreamLogits(
        ar=draw(9, 11),
        nar=draw(3, 11),
        aux=draw(3, 11),
        corrected=draw(0, 11),
        length=draw(2, 7),
        ar_labels=labels,
        masked_labels=labels[masked],
        corrected_labels=labels[:0],
        ar_masked=masked,
    )


LENGTHS = torch.tensor([3, 900])


def test_smoothing_equals_torch():
    scores, labels = torch.randn(6, 13), torch.randint(0, 13, (6,))
    loss, nll = label_smoothed(scores.log_softmax(-1), labels, 0.1)
    torch.testing.assert_close(loss, F.cross_entropy(scores, labels, label_smoothing=0.1))
    torch.testing.assert_close(nll, F.cross_entropy(scores, labels))


def test_symmetric_kl_equals_torch():
    p, q = torch.randn(5, 17).log_softmax(-1), torch.randn(5, 17).log_softmax(-1)
    both = F.kl_div(q, p, reduction="batchmean", log_target=True) + F.kl_div(
        p, q, reduction="batchmean", log_target=True
    )
    torch.testing.assert_close(symmetric_kl(p, q), both / 2)
    assert symmetric_kl(p, p) == 0


def test_kl_teaches_both_sides():
    p, q = (torch.randn(4, 5, requires_grad=True) for _ in range(2))
    symmetric_kl(p.log_softmax(-1), q.log_softmax(-1)).backward()
    assert p.grad.abs().sum() > 0 and q.grad.abs().sum() > 0


def test_equation_5(logits):
    """L = L_AR + L_NAR + L_AUX + L_KL with both directions of both divergences, and a tenth of the length loss."""
    total, terms = joint_loss(logits, LENGTHS, PAPER, 0.0)
    ar, nar, aux = (getattr(logits, name).log_softmax(-1) for name in ("ar", "nar", "aux"))
    at_masked = ar[logits.ar_masked]
    kl = sum(
        F.kl_div(b, a, reduction="batchmean", log_target=True)
        for a, b in ((at_masked, aux), (aux, at_masked), (nar, aux), (aux, nar))
    )
    cross = (
        F.nll_loss(ar, logits.ar_labels) + F.nll_loss(nar, logits.masked_labels) + F.nll_loss(aux, logits.masked_labels)
    )
    torch.testing.assert_close(total, cross + kl + 0.1 * length_loss(logits.length, LENGTHS))
    assert "kl_ar_nar" not in terms


def test_the_release_weighs_otherwise(logits):
    total, t = joint_loss(logits, LENGTHS, RELEASE, 0.1)
    expected = (
        t["ar"]
        + 0.5 * (t["nar"] + t["aux"])
        + 3 * t["kl_ar_aux"]
        + t["kl_nar_aux"]
        + t["kl_ar_nar"]
        + 0.1 * t["length"]
    )
    torch.testing.assert_close(total, expected)


def test_lengths_beyond_the_classes_count_as_the_last(logits):
    torch.testing.assert_close(
        length_loss(logits.length, LENGTHS), F.cross_entropy(logits.length, torch.tensor([3, 6]))
    )


def test_nothing_masked_is_no_loss_and_no_nan():
    empty = torch.zeros(0, 11)
    loss, nll = label_smoothed(empty, torch.zeros(0, dtype=torch.long), 0.1)
    assert loss == 0 and nll == 0 and symmetric_kl(empty, empty) == 0


def test_a_batch_without_masked_or_replaced_tokens_has_a_loss(logits):
    none = torch.zeros(0, 11)
    empty = replace(logits, nar=none, aux=none, masked_labels=logits.masked_labels[:0], ar_masked=logits.ar_masked[:0])
    total, terms = joint_loss(empty, LENGTHS, replace(PAPER, correction=1), 0.1)
    assert terms["nar"] == terms["aux"] == terms["kl_ar_aux"] == terms["correction"] == 0
    torch.testing.assert_close(total, terms["ar"] + 0.1 * terms["length"])


def test_reads():
    assert (PAPER.reads_ar, PAPER.reads_nar, PAPER.reads_aux) == (True, True, True)
    assert not Weights(aux=1, length=0.1).reads_nar
    assert Weights(correction=1).reads_nar and not Weights(ar=1).reads_aux
