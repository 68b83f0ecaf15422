"""Dropout against its definition."""

import pytest
import torch

from janus.model.dropout import dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rate_and_expectation(p):
    torch.manual_seed(1)
    dropped = dropout(torch.ones(1_000_001), p)
    assert float((dropped == 0).double().mean()) == pytest.approx(p, abs=2e-3)
    assert float(dropped.double().mean()) == pytest.approx(1, abs=1e-2)
    assert len(dropped.unique()) == 2


def test_neighbours_that_share_a_draw_are_independent():
    torch.manual_seed(1)
    kept = (dropout(torch.ones(250_000, 4), 0.3) > 0).double()
    assert torch.corrcoef(kept.T).fill_diagonal_(0).abs().max() < 0.01


def test_gradient_passes_where_the_value_does():
    x = torch.randn(7, 5, requires_grad=True)
    y = dropout(x, 0.4)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x, y)


def test_same_seed_same_result():
    x = torch.randn(33, dtype=torch.bfloat16)
    torch.manual_seed(3)
    one = dropout(x, 0.2)
    torch.manual_seed(3)
    assert torch.equal(one, dropout(x, 0.2)) and one.dtype == x.dtype


def test_nothing_is_dropped_without_need():
    x = torch.randn(4)
    assert dropout(x, 0.5, training=False) is x and dropout(x, 0.0) is x
    assert dropout(x[:0], 0.5).numel() == 0
    assert torch.equal(dropout(x, 1.0), torch.zeros(4))
