"""Viterbi decoding of word graphs: the authors' outputs, and the enumeration of all paths."""

from itertools import combinations

import pytest
from word_graphs import PAD, check, drawn_graph, golden_graph

from janus.decoding.dag_viterbi import ViterbiSettings, best_paths
from janus.decoding.word_graphs import kept
from janus.errors import InputError


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("name", ["synth.{}viterbi_beta0", "synth.{}viterbi_beta0.5", "synth.{}viterbi_beta1"])
@pytest.mark.parametrize("beta", [None, 2])
def test_the_authors_outputs(name, joint, beta):
    name = name.format("joint" if joint else "")
    name = name if beta is None else f"{name.split('_')[0]}_beta2"
    settings = ViterbiSettings(joint=joint, beta=float(name.split("beta")[1]))
    check(best_paths(golden_graph("synth."), settings, PAD), name)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("beta", [0, 1])
def test_the_authors_outputs_of_a_model(joint, beta):
    name = f"decode.{'joint' if joint else ''}viterbi_beta{beta}"
    check(best_paths(golden_graph("decode."), ViterbiSettings(joint=joint, beta=beta), PAD), name)


@pytest.mark.parametrize("joint", [False, True])
def test_the_bound_of_the_longest_graph(joint):
    """The authors bound every sentence by the longest graph of its batch, of 24 vertices here; ours by its own."""
    name, graph = f"decode.{'joint' if joint else ''}viterbi_beta2", golden_graph("decode.")
    own, shared = (best_paths(graph, ViterbiSettings(joint, 2.0, longest), PAD) for longest in (2.0, 4.0))
    check(shared, name)
    assert [one.tokens.tolist() for one in own[:3]] == [one.tokens.tolist() for one in shared[:3]]
    assert own[3].tokens.tolist() != shared[3].tokens.tolist()


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(6))
def test_the_enumeration_of_all_paths(seed, beta, joint):
    graph, log_probs = drawn_graph(seed, 9, 12)
    words, word = log_probs.max(1)
    scored = {}
    for number in range(1, 8):
        for inner in combinations(range(1, 8), number):
            path = (0, *inner, 8)
            score = sum(float(graph.links[i, j]) for i, j in zip(path, path[1:]))
            score += sum(map(float, words[[0, *inner]])) if joint else float(words[inner[0]])
            scored[inner] = score / number**beta
    best = max(scored, key=scored.__getitem__)
    [found] = best_paths(graph, ViterbiSettings(joint=joint, beta=beta), PAD)
    assert found.score == pytest.approx(scored[best])
    spelled = [int(word[j]) for j in best]
    shown = [w for n, w in enumerate(spelled) if n + 1 == len(spelled) or (w not in (PAD, spelled[n + 1]))]
    assert found.tokens.tolist() == shown


def test_the_least_graphs():
    """A graph of two vertices has no vertex between; one of three has one path."""
    [empty] = best_paths(drawn_graph(1, 2, 5)[0], ViterbiSettings(), PAD)
    assert empty.tokens.numel() == 0 and empty.score == pytest.approx(0)
    graph, log_probs = drawn_graph(1, 3, 5)
    [single] = best_paths(graph, ViterbiSettings(), PAD)
    assert single.tokens.tolist() == [int(log_probs[1].argmax())]


def test_a_graph_alone_has_the_output_of_the_batch():
    graph = golden_graph("decode.")
    for one, other in zip(graph.split(), best_paths(graph, ViterbiSettings(beta=2.0), PAD), strict=True):
        [alone] = best_paths(one, ViterbiSettings(beta=2.0), PAD)
        assert alone.tokens.tolist() == other.tokens.tolist() and alone.score == pytest.approx(other.score)


def test_what_is_kept_of_a_path():
    assert kept([4, 4, PAD, 4, 5, 5], PAD) == [0, 3, 4]


@pytest.mark.parametrize("wrong", [{"passes": 2}, {"beta": -1.0}, {"longest": -1.0}])
def test_bad_settings(wrong):
    with pytest.raises(InputError):
        ViterbiSettings(**wrong)
