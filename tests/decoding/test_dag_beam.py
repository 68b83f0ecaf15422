"""Beam search in word graphs: the outputs of a re-implementation of DAG-Search, and the enumeration of all outputs."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from word_graphs import GOLDEN, PAD, check, drawn_graph, golden_graph

from janus.decoding.dag_beam import DagBeamSettings, search
from janus.errors import InputError

UNLIMITED = {"candidates": 10_000, "top_p": 2.0, "per_length": 10_000, "beam": 10_000, "dedup": False}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("synth.beam", {"release_ranking": True}),
        ("synth.beam_nodedup", {"release_ranking": True, "dedup": False}),
        ("synth.beam_clean", {}),
    ],
)
def test_the_golden_outputs(name, options):
    found = [search(one, DagBeamSettings(**options), bos=0, pad=PAD) for one in golden_graph("synth.", 5).split()]
    check(found, name)
    assert [one.score for one in found] == pytest.approx(GOLDEN[f"{name}_score"].tolist(), abs=1e-5)


def probabilities(graph, log_probs):
    """log P of each word sequence after the first vertex, by the enumeration of all paths."""
    last, links = log_probs.size(0) - 1, graph.links
    found: dict[tuple[int, ...], list[float]] = {}
    for number in range(last):
        for inner in combinations(range(1, last), number):
            path = (0, *inner, last)
            steps = sum(float(links[i, j]) for i, j in zip(path, path[1:]))
            for words in product(range(log_probs.size(1)), repeat=len(path) - 1):
                score = steps + sum(float(log_probs[j, w]) for j, w in zip(path[1:], words))
                found.setdefault(words, []).append(score)
    return {words: float(np.logaddexp.reduce(scores)) for words, scores in found.items()}


@pytest.mark.parametrize("alpha", [0.0, 1.1])
@pytest.mark.parametrize("seed", range(4))
def test_without_limits_it_finds_the_best_of_all_sequences(seed, alpha):
    graph, log_probs = drawn_graph(seed, 6, 3)
    every = {words: score / len(words) ** alpha for words, score in probabilities(graph, log_probs).items()}
    best = max(every, key=every.__getitem__)
    found = search(graph, DagBeamSettings(alpha=alpha, **UNLIMITED), bos=9, pad=-1)
    assert found.tokens.tolist() == [9, *best]
    assert found.score == pytest.approx(every[best])


def test_the_releases_ranking_misses_the_best_sequence_of_some_graphs():
    settings = [DagBeamSettings(release_ranking=release, **UNLIMITED) for release in (False, True)]
    graphs = [drawn_graph(seed, 6, 3)[0] for seed in range(10)]
    outputs = [[search(graph, one, bos=9, pad=-1).tokens.tolist() for graph in graphs] for one in settings]
    assert outputs[0] != outputs[1]


def test_the_scores_of_tokens_add_up_to_the_mass_of_the_hypothesis():
    graph, _ = drawn_graph(2, 6, 3)
    found = search(graph, DagBeamSettings(release_ranking=True, **UNLIMITED), bos=9, pad=-1)
    length = found.tokens.numel() - 1
    assert float(found.token_scores.sum()) == pytest.approx(found.score * length**1.1)
    assert found.token_scores[0] == 0


def test_narrow_beams_are_no_better():
    for seed in range(5):
        graph, _ = drawn_graph(seed, 7, 4)
        wide = search(graph, DagBeamSettings(**UNLIMITED), bos=9, pad=-1)
        narrow = search(graph, DagBeamSettings(**{**UNLIMITED, "beam": 1}), bos=9, pad=-1)
        assert narrow.score <= wide.score + 1e-9


def test_scores_that_are_no_numbers_end_the_search():
    graph, _ = drawn_graph(1, 6, 3)
    graph.scores.fill_(torch.nan)
    assert not np.isfinite(search(graph, DagBeamSettings(), bos=9, pad=-1).score)


@pytest.mark.parametrize("wrong", [{"passes": 2}, {"beam": 0}, {"per_length": 0}, {"alpha": -1.0}])
def test_bad_settings(wrong):
    with pytest.raises(InputError):
        DagBeamSettings(**wrong)
