"""The fused optimiser against fairseq's own Adam."""

from argparse import Namespace

import pytest
import torch
from fairseq.optim.adam import Adam

from janus.plugin.optimizer import FusedAdamW

CONFIG = Namespace(lr=[0.01], adam_betas="(0.9, 0.98)", adam_eps=1e-8, weight_decay=0.01)


@pytest.fixture
def weights():
    torch.manual_seed(1)
    return [torch.nn.Parameter(torch.randn(7, 5)), torch.nn.Parameter(torch.randn(3))]


def steps(optimiser: torch.optim.Optimizer, weights: list[torch.nn.Parameter], number: int) -> None:
    for step in range(number):
        for index, weight in enumerate(weights):
            weight.grad = torch.sin(weight.detach() * (step + 1) + index)
        optimiser.step()


def test_equals_fairseqs_adam(weights):
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    steps(Adam(theirs, lr=0.01, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.01), theirs, 20)
    steps(FusedAdamW(CONFIG, weights).optimizer, weights, 20)
    for ours, other in zip(weights, theirs):
        torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-6)


def test_its_state_goes_on_where_it_was(weights):
    unbroken = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    whole, first, second = (FusedAdamW(CONFIG, group) for group in (unbroken, weights, weights))
    for number in (4, 3):
        steps(whole.optimizer, unbroken, number)
    steps(first.optimizer, weights, 4)
    second.load_state_dict(first.state_dict())
    steps(second.optimizer, weights, 3)
    for ours, other in zip(weights, unbroken):
        assert torch.equal(ours, other)
