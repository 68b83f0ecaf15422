"""The rivals of the span kernel compute what it computes."""

from dataclasses import replace

import pytest
import torch

from janus.bench import attention
from janus.bench.batches import draw_batches, read_lengths


@pytest.fixture(scope="module")
def problem():
    batch = draw_batches(1, 60, 50, read_lengths())[0]
    return attention.Problem.of(batch.packed_streams(query_position="own"), 2, 16, torch.float32)


@pytest.fixture(scope="module")
def expected(problem):
    flat = [x.flatten(1) for x in (problem.q, problem.k, problem.v)]
    return problem.view.attend(*flat, 2, 0.0).unflatten(1, (2, 16))


def gradients(out, problem) -> tuple[torch.Tensor, ...]:
    weights = torch.linspace(-1, 1, out.numel()).view_as(out)
    return torch.autograd.grad((out * weights).sum(), (problem.q, problem.k, problem.v), retain_graph=True)


@pytest.mark.parametrize("rival", [attention.dense, attention.release])
def test_rivals_agree_with_the_padded_path(problem, expected, rival):
    out = rival(problem)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(gradients(out, problem), gradients(expected, problem)):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_agrees(problem, expected):
    """Forward alone: torch has no backward of it on processors."""
    with torch.no_grad():
        frozen = replace(problem, **{name: getattr(problem, name).detach() for name in "qkv"})
        torch.testing.assert_close(attention.flex(frozen), expected, rtol=1e-4, atol=1e-5)
