"""The fused optimiser against fairseq's own Adam."""

from argparse import Namespace
from copy import deepcopy

import pytest
import torch
from fairseq.optim.adam import Adam

from janus.plugin.optimizer import FusedAdamW

CONFIG = Namespace(lr=[0.01], adam_betas="(0.9, 0.98)", adam_eps=1e-8, weight_decay=0.01)


@pytest.fixture
def weights():
    torch.manual_seed(1)
    return [torch.nn.Parameter(torch.randn(7, 5)), torch.nn.Parameter(torch.randn(3))]


def copies(weights: list[torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(weight.detach().clone()) for weight in weights]


def fairseqs(weights: list[torch.nn.Parameter]) -> Adam:
    return Adam(weights, lr=0.01, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.01)


def steps(optimiser, weights, numbers, scale: float = 1.0, rare: bool = False) -> None:
    """Updates of the given numbers; rare: the second tensor has a gradient in every third only."""
    for number in numbers:
        for index, weight in enumerate(weights):
            weight.grad = torch.sin(weight.detach() * (number + 1) + index) * scale
            if rare and index == 1 and number % 3:
                weight.grad = None
        optimiser.step()


def assert_same(ours, theirs):
    for mine, other in zip(ours, theirs):
        torch.testing.assert_close(mine, other, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e-7, 1e-8, 1e-9])
@pytest.mark.parametrize("rare", [False, True])
def test_equals_fairseqs_adam(weights, scale, rare):
    """Gradients as small as epsilon too, where its place shows; tensors that miss updates keep their own count."""
    theirs = copies(weights)
    steps(fairseqs(theirs), theirs, range(20), scale, rare)
    steps(FusedAdamW(CONFIG, weights).optimizer, weights, range(20), scale, rare)
    assert_same(weights, theirs)


def test_the_first_updates_of_small_gradients_equal(weights):
    for number in range(4):
        theirs, ours = copies(weights), copies(weights)
        steps(fairseqs(theirs), theirs, range(number), 3e-8)
        steps(FusedAdamW(CONFIG, ours).optimizer, ours, range(number), 3e-8)
        assert_same(ours, theirs)


@pytest.mark.parametrize("rare", [False, True])
def test_its_state_goes_on_where_it_was(weights, rare):
    """Exactly the unbroken training's, and fairseq's; through a copy as a checkpoint makes it."""
    unbroken, theirs = copies(weights), copies(weights)
    steps(fairseqs(theirs), theirs, range(9), 1e-8, rare)
    steps(FusedAdamW(CONFIG, unbroken).optimizer, unbroken, range(9), 1e-8, rare)
    first = FusedAdamW(CONFIG, weights)
    steps(first.optimizer, weights, range(4), 1e-8, rare)
    second = FusedAdamW(CONFIG, weights)
    second.load_state_dict(deepcopy(first.state_dict()))
    steps(second.optimizer, weights, range(4, 9), 1e-8, rare)
    for ours, other in zip(weights, unbroken):
        assert torch.equal(ours, other)
    assert_same(weights, theirs)


def test_a_loaded_state_is_counted_from_its_own_updates(weights):
    """The same optimiser object, put back to an earlier state."""
    optimiser = FusedAdamW(CONFIG, weights)
    steps(optimiser.optimizer, weights, range(2), 1e-8)
    state, values = deepcopy(optimiser.state_dict()), copies(weights)
    steps(optimiser.optimizer, weights, range(2, 5), 1e-8)
    late = copies(weights)
    optimiser.load_state_dict(state)
    with torch.no_grad():
        for weight, early in zip(weights, values):
            weight.copy_(early)
    steps(optimiser.optimizer, weights, range(2, 5), 1e-8)
    for ours, other in zip(weights, late):
        assert torch.equal(ours, other)


def test_the_checkpoint_holds_the_epsilon_that_was_asked_for(weights):
    optimiser = FusedAdamW(CONFIG, weights)
    steps(optimiser.optimizer, weights, range(3))
    (group,) = optimiser.state_dict()["param_groups"]
    assert group["eps"] == 1e-8 and len(group["params"]) == 2


def test_parameter_groups_keep_their_own_settings(weights):
    theirs = copies(weights)

    def groups(tensors):
        return [{"params": tensors[:1]}, {"params": tensors[1:], "weight_decay": 0.0, "eps": 1e-6, "lr": 0.02}]

    other = Adam(groups(theirs), lr=0.01, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.01)
    steps(other, theirs, range(6), 1e-7)
    steps(FusedAdamW(CONFIG, groups(weights)).optimizer, weights, range(6), 1e-7)
    assert_same(weights, theirs)


def test_half_precision_training_may_flatten_the_weights(weights):
    """fairseq's --fp16 refuses optimisers that do not say so; the flat update is that of the tensors one by one."""
    flat = torch.nn.Parameter(torch.cat([weight.detach().flatten() for weight in weights]))
    optimiser = FusedAdamW(CONFIG, [flat])
    assert optimiser.supports_flat_params
    whole = FusedAdamW(CONFIG, weights)
    for number in range(5):
        for weight in weights:
            weight.grad = torch.sin(weight.detach() * (number + 1)) * 1e-7
        flat.grad = torch.cat([weight.grad.flatten() for weight in weights])
        whole.optimizer.step()
        optimiser.optimizer.step()
    assert torch.equal(flat, torch.cat([weight.detach().flatten() for weight in weights]))
