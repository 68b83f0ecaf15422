"""The DAG loss against the enumeration of paths, in float64 and in C++, and its laws."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from torch.utils import deterministic

from kernels.bench import dag as bench
from kernels.dag import Graphs, best_alignment, dag_log_likelihood, force_emission, native, padded
from kernels.dag.reference import log_likelihood_reference

# (vertices, labels): as many as vertices, one, too many, blocks of 16 and their neighbours.
SIZES = ((1, 1), (2, 2), (17, 5), (48, 9), (16, 16), (33, 33), (5, 7), (15, 3), (32, 1), (70, 31))


def problem(sizes=SIZES, seed=0, match_spread=1.0, link_spread=1.0, dtype=torch.float64, spare=0):
    """match, links and graphs; `spare` columns that belong to no sentence, and everything unread is NaN."""
    generator = torch.Generator().manual_seed(seed)
    graphs = Graphs(*(torch.tensor(column) for column in zip(*sizes)))
    rows, labels, width = (
        int(graphs.vertices.sum()),
        int(graphs.labels.max()) + spare,
        int(graphs.vertices.max()) + spare,
    )
    match = -(torch.randn(rows, labels, generator=generator, dtype=torch.float64) * match_spread).abs()
    links = torch.randn(rows, width, generator=generator, dtype=torch.float64) * link_spread
    vertex = torch.arange(width)
    later = (vertex > graphs.place[:, None]) & (vertex < graphs.vertices[graphs.sentence, None])
    links = links.masked_fill(~later, -1e9).log_softmax(1).masked_fill(~later, torch.nan)
    match = match.masked_fill(torch.arange(labels) >= graphs.labels[graphs.sentence, None], torch.nan)
    return match.to(dtype), links.to(dtype), graphs


def with_gradients(function, match, links, graphs):
    match, links = match.clone().requires_grad_(), links.clone().requires_grad_()
    out = function(match, links, graphs)
    weights = torch.arange(1, out.numel() + 1, dtype=out.dtype)
    return [out, *torch.autograd.grad(out[~out.isneginf()] @ weights[~out.isneginf()], (match, links))]


def paths(match, links):
    """log P of every path of one sentence, by its vertices."""
    vertices, labels = match.shape
    inner = combinations(range(1, vertices - 1), labels - 2)
    found = [(0, *one, vertices - 1) for one in inner]
    return {
        path: float(sum(match[j, t] for t, j in enumerate(path)) + sum(links[i, j] for i, j in zip(path, path[1:])))
        for path in found
    }


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("vertices", "labels"), [(9, 4), (7, 7), (12, 2)])
def test_the_enumeration_of_all_paths(vertices, labels, dtype):
    match, links, graphs = problem([(vertices, labels)], match_spread=3)
    every = paths(match, links)
    total = dag_log_likelihood(match.to(dtype), links.to(dtype), graphs)
    assert float(total) == pytest.approx(float(np.logaddexp.reduce(list(every.values()))), rel=1e-5)
    label, score = best_alignment(match.to(dtype), links.to(dtype), graphs)
    best = max(every, key=every.__getitem__)
    assert tuple((label >= 0).nonzero()[:, 0].tolist()) == best
    assert label[list(best)].tolist() == list(range(labels))
    assert float(score) == pytest.approx(every[best], rel=1e-5)


@pytest.mark.parametrize("spread", [(1.0, 1.0), (10.0, 3.0)])
def test_odd_sizes_in_float64(spread):
    match, links, graphs = problem(match_spread=spread[0], link_spread=spread[1], spare=3)
    ours = with_gradients(dag_log_likelihood, match, links, graphs)
    theirs = with_gradients(log_likelihood_reference, match, links, graphs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("spread", [(1.0, 1.0), (10.0, 3.0), (100.0, 30.0), (300.0, 60.0)])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_native_operator(spread, threads, monkeypatch):
    """Scores up to thousands, whose probabilities no float could hold."""
    match, links, graphs = problem(match_spread=spread[0], link_spread=spread[1], dtype=torch.float32, spare=3)
    assert native.supports(match, links)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    ours = with_gradients(dag_log_likelihood, match, links, graphs)
    theirs = with_gradients(dag_log_likelihood, match.double(), links.double(), graphs)
    torch.testing.assert_close(ours[0].double(), theirs[0], rtol=1e-5, atol=1e-5)
    # A posterior is exp of differences of scores, which have seven digits; gradients are up to ten times one.
    tolerance = 3e-6 * float(theirs[0].detach()[~theirs[0].isneginf()].abs().max())
    for one, other in zip(ours[1:], theirs[1:]):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4 + tolerance)
    (label, score), (exact, best) = (
        best_alignment(x, y, graphs) for x, y in [(match, links), (match.double(), links.double())]
    )
    assert torch.equal(label, exact)
    torch.testing.assert_close(score.double(), best, rtol=1e-5, atol=1e-5)


def test_a_path_through_steps_below_the_range_of_a_float(monkeypatch):
    """The only path has a step of exp(-200): the C++ has no such number, so the batch is computed on padded grids."""
    match, links, graphs = problem([(40, 3), (5, 2)], dtype=torch.float32)
    links[:39, :39] = -200.0
    links[1:39, 39] = -1.0
    links[0, 39] = -0.1
    calls = []
    for name in ("forward", "backward"):
        function = getattr(padded, name)
        monkeypatch.setattr(padded, name, lambda *x, function=function: calls.append(1) or function(*x))
    ours = with_gradients(dag_log_likelihood, match, links, graphs)
    assert calls
    theirs = with_gradients(log_likelihood_reference, match.double(), links.double(), graphs)
    assert float(theirs[0][0].detach()) < -190
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_steps_at_the_end_of_the_range_of_a_float(seed):
    """Steps of about exp(-87), from vertices that are less probable than their neighbours: products below any float."""
    match, links, graphs = problem([(40, 4), (35, 20), (60, 7)], seed=seed, match_spread=30, dtype=torch.float32)
    links = torch.where(links < links.nanmean(), links - 80, links)
    ours = with_gradients(dag_log_likelihood, match, links, graphs)
    theirs = with_gradients(dag_log_likelihood, match.double(), links.double(), graphs)
    torch.testing.assert_close(ours[0].double(), theirs[0], rtol=1e-4, atol=1e-3)
    for one, other in zip(ours[1:], theirs[1:]):
        torch.testing.assert_close(one.double(), other, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("less", [0.0, 1.0, 2.0, 3.0, 5.0])
def test_a_score_of_the_smallest_floats(less, monkeypatch):
    """A block reached with exp(-89) alone, of which a float has no reciprocal; the C++ needs no help with it."""
    match, links, graphs = problem([(20, 3)], dtype=torch.float32)
    match[:], links[:] = -1.0, -200.0
    links[0, 1], links[0, 2], links[1, 19] = -3.0 - less, -1.0, -86.0
    theirs = with_gradients(log_likelihood_reference, match.double(), links.double(), graphs)
    monkeypatch.delattr(padded, "forward")
    ours = with_gradients(dag_log_likelihood, match, links, graphs)
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=5e-3)


def test_a_sentence_without_a_path():
    for dtype in (torch.float64, torch.float32):
        match, links, graphs = problem([(4, 3), (3, 5), (6, 6)], dtype=dtype)
        match[7 + 2, 2] = -torch.inf
        out, d_match, d_links = with_gradients(dag_log_likelihood, match, links, graphs)
        assert out.isneginf().tolist() == [False, True, True]
        assert d_match[4:].eq(0).all() and d_links[4:].eq(0).all() and d_match[:4].ne(0).any()
        label, score = best_alignment(match, links, graphs)
        assert label[4:].eq(-1).all() and score.isneginf().tolist() == [False, True, True]


def test_of_tied_predecessors_the_first_is_taken():
    for dtype in (torch.float64, torch.float32):
        graphs = Graphs(torch.tensor([40]), torch.tensor([3]))
        label, _ = best_alignment(torch.zeros(40, 3, dtype=dtype), torch.zeros(40, 40, dtype=dtype), graphs)
        assert (label >= 0).nonzero()[:, 0].tolist() == [0, 1, 39]


def test_all_sentences_have_a_probability_of_one():
    """The sum over all labels of every length, of 5 vertices and 3 words."""
    generator = torch.Generator().manual_seed(3)
    words = torch.randn(5, 3, generator=generator, dtype=torch.float64).log_softmax(1)
    _, links, _ = problem([(5, 2)])
    total = 0.0
    for length in range(2, 6):
        for labels in product(range(3), repeat=length):
            graphs = Graphs(torch.tensor([5]), torch.tensor([length]))
            total += float(dag_log_likelihood(words[:, list(labels)], links, graphs).exp())
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_posteriors_of_labels_sum_to_one(dtype):
    match, links, graphs = problem([(50, 9), (23, 4)], dtype=dtype, match_spread=4)
    match, links = match.requires_grad_(), links.requires_grad_()
    d_match, d_links = torch.autograd.grad(dag_log_likelihood(match, links, graphs).sum(), (match, links))
    assert d_match.ge(0).all() and d_links.ge(0).all()
    sums = torch.zeros(2, 9, dtype=dtype).index_add(0, graphs.sentence, d_match)
    expected = (torch.arange(9) < graphs.labels[:, None]).to(dtype)
    torch.testing.assert_close(sums, expected, rtol=1e-4, atol=1e-5)
    # Of each vertex, the steps that leave it are those that it emits before the last label.
    left = d_links.sum(1)
    emitted = d_match.clone()
    for sentence, labels in enumerate(graphs.labels.tolist()):
        emitted[graphs.sentence == sentence, labels - 1] = 0
    torch.testing.assert_close(left, emitted.sum(1), rtol=1e-4, atol=1e-5)


def test_forced_emission():
    match, links, graphs = problem([(9, 4), (6, 3)])
    free = torch.full_like(graphs.sentence, -1)
    torch.testing.assert_close(force_emission(match, graphs, free), match, rtol=0, atol=0, equal_nan=True)
    label, _ = best_alignment(match, links, graphs)
    # All assigned vertices: what remains is the log-probability of the steps between them.
    every = dag_log_likelihood(force_emission(match, graphs, label), links, graphs)
    for sentence, score in enumerate(every.tolist()):
        own = (graphs.sentence == sentence).nonzero()[:, 0]
        path = (label[own] >= 0).nonzero()[:, 0].tolist()
        steps = sum(float(links[own[i], j]) for i, j in zip(path, path[1:]))
        assert score == pytest.approx(steps, rel=1e-12)
    # One vertex: only paths through it, which emit its label there for nothing.
    vertex = int(((label == 1) & (graphs.sentence == 0)).nonzero()[0, 0])
    one = free.clone()
    one[vertex] = 1
    through = [
        score - float(match[vertex, 1])
        for path, score in paths(match[:9, :4], links[:9, :9]).items()
        if path[1] == vertex
    ]
    total = dag_log_likelihood(force_emission(match, graphs, one), links, graphs)
    assert float(total[0]) == pytest.approx(float(np.logaddexp.reduce(through)), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_poisoned_memory(dtype, monkeypatch):
    """Inputs amid NaN, of which nothing is read or written, and allocations that hold NaN."""
    monkeypatch.setattr(deterministic, "fill_uninitialized_memory", True)
    match, links, graphs = problem(dtype=torch.float64)
    expected = with_gradients(log_likelihood_reference, match, links, graphs)
    buffers = [torch.full((x.size(0) + 40, x.size(1)), torch.nan, dtype=dtype) for x in (match, links)]
    inside = [buffer[20:-20].copy_(x) for buffer, x in zip(buffers, (match, links))]
    torch.use_deterministic_algorithms(True)
    try:
        leaves = [x.requires_grad_() for x in (y.detach() for y in inside)]
        out = dag_log_likelihood(*leaves, graphs)
        finite = ~out.isneginf()
        weights = torch.arange(1, out.numel() + 1, dtype=dtype)
        ours = [out, *torch.autograd.grad(out[finite] @ weights[finite], leaves)]
        label, _ = best_alignment(*inside, graphs)
    finally:
        torch.use_deterministic_algorithms(False)
    for one, other in zip(ours, expected):
        torch.testing.assert_close(one.double(), other, rtol=2e-4, atol=2e-4)
    assert torch.equal(label, best_alignment(match, links, graphs)[0])
    assert all(buffer[:20].isnan().all() and buffer[-20:].isnan().all() for buffer in buffers)


def test_shapes_that_do_not_fit():
    match, links, graphs = problem([(4, 3)])
    for bad in [(match[:3], links), (match[:, :2], links), (match, links[:, :3])]:
        with pytest.raises(ValueError, match="the graphs need 4 x"):
            dag_log_likelihood(*bad, graphs)


def test_what_the_benchmark_measures():
    small = bench.Problem.draw("cpu", sentences=3, labels=4, factor=2)
    d_match, d_links = bench.loss(small)
    assert float(d_match.sum()) == pytest.approx(12, rel=1e-4) and float(d_links.sum()) == pytest.approx(9, rel=1e-4)
    assert bench.alignment(small).ge(0).sum() == 12
    assert bench.product(small).shape == (3, 4, 8)
