"""The clock takes turns, and the three ways to the joint loss compute the same gradients."""

import pytest
import torch

from kernels.bench import ctc
from kernels.bench.joint_loss import Problem, chunked, products, whole
from kernels.bench.timing import elapsed, in_turns, square_product


def test_calls_take_turns():
    order = []
    calls = {name: lambda i, name=name: order.append((name, i)) for name in "ab"}
    ticks = []
    timings = in_turns(calls, device="cpu", rounds=2, repeats=2, progress=lambda: ticks.append(1))
    # One round goes ahead of the two that count.
    assert order == 3 * [("a", 0), ("a", 0), ("a", 1), ("b", 0), ("b", 0), ("b", 1)]
    assert len(ticks) == 6
    for timing in timings.values():
        low, high = timing.spread
        assert len(timing.seconds) == 2 and 0 < low <= timing.median <= high


def test_an_elapsed_call_runs_once():
    seen = []
    assert elapsed(lambda: seen.append(1), "cpu") > 0
    assert seen == [1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_ceiling_is_a_square_product(dtype):
    product = square_product("cpu", dtype, 24)(0)
    assert product.shape == (24, 24) and product.dtype == dtype


@pytest.mark.slow
def test_all_ways_have_the_same_result():
    problem = Problem.draw(50, "cpu", words=31, width=8)
    assert problem.hidden.size(0) == 50 + 2 * problem.masked
    for ours, theirs in zip(chunked(problem), whole(problem)):
        torch.testing.assert_close(ours, theirs)
    for made, like in zip(products(problem), (problem.hidden, problem.vocabulary)):
        assert made.shape == like.shape


def test_both_ways_to_ctc_have_the_same_gradients():
    problem = ctc.Problem.draw(2, "cpu", sentences=3, length=4, words=31, width=8)
    for ours, theirs in zip(ctc.own_alphabets(problem), ctc.whole_vocabulary(problem), strict=True):
        torch.testing.assert_close(ours, theirs)
    for timing, taken in ctc.measure(problem, "cpu", 1).values():
        assert timing.median > 0 and taken >= 0
