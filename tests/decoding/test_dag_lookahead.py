"""Greedy and lookahead decoding of word graphs, token for token, and its laws."""

import math

import pytest
import torch
from word_graphs import PAD, check, drawn_graph, golden_graph

from janus.decoding.dag_lookahead import LookaheadSettings, look_ahead, without_repeats
from janus.decoding.decoding import Decoding
from janus.errors import InputError
from janus.model.config import TransformerConfig
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@pytest.mark.parametrize("prefix", ["synth.", "decode."])
@pytest.mark.parametrize(
    ("name", "beta"), [("greedy", 0.0), ("lookahead_beta0.5", 0.5), ("lookahead", 1.0), ("lookahead_beta2", 2.0)]
)
def test_the_authors_outputs(prefix, name, beta):
    name = "lookahead_beta1" if prefix == "synth." and name == "lookahead" else name
    check(look_ahead(golden_graph(prefix), beta, PAD), prefix + name)


@pytest.mark.parametrize(
    ("name", "consecutive", "repeated"),
    [
        ("synth.lookahead_c3_r0", 3, 0),
        ("synth.lookahead_c0_r2", 0, 2),
        ("synth.lookahead_c3_r2", 3, 2),
        ("decode.lookahead_ngram_c3_r2_top5", 3, 2),
    ],
)
def test_the_authors_outputs_without_repeats(name, consecutive, repeated):
    settings = LookaheadSettings(no_consecutive_ngram=consecutive, no_repeated_ngram=repeated)
    graphs = golden_graph(f"{name.split('.')[0]}.", settings.candidates).split()
    check([without_repeats(one, settings, PAD) for one in graphs], name)


def test_the_score_is_the_mean_of_steps_and_words():
    graph, log_probs = drawn_graph(1, 9, 12)
    [found] = look_ahead(graph, 0.0, PAD)
    links, at, total, visited = graph.links, 0, float(log_probs[0].max()), 1
    while at != 8:
        following = int(links[at].argmax())
        total += float(links[at, following]) + float(log_probs[following].max())
        at, visited = following, visited + 1
    assert found.score == pytest.approx(total / visited)


def test_no_n_gram_is_repeated_as_long_as_another_pair_is_left():
    settings = LookaheadSettings(no_repeated_ngram=1, candidates=60, top_p=1.0)
    for seed in range(20):
        graph, _ = drawn_graph(seed, 10, 12, kept=6, spread=0.5)
        words = without_repeats(graph, settings, PAD).tokens.tolist()[1:]
        assert len(words) == len(set(words))


def test_a_graph_alone_has_the_output_of_the_batch():
    graph = golden_graph("synth.", 5)
    together = look_ahead(graph, 1.0, PAD)
    for one, other in zip(graph.split(), together, strict=True):
        [alone] = look_ahead(one, 1.0, PAD)
        assert alone.tokens.tolist() == other.tokens.tolist() and alone.score == pytest.approx(other.score)


def test_scores_that_are_no_numbers_end_the_search():
    graph, _ = drawn_graph(1, 9, 12)
    graph.scores.fill_(math.nan)
    assert math.isnan(look_ahead(graph, 1.0, PAD)[0].score)
    assert math.isnan(without_repeats(graph, LookaheadSettings(no_repeated_ngram=2), PAD).score)


@pytest.mark.parametrize("wrong", [{"passes": 2}, {"beta": -1}, {"candidates": 0}, {"top_p": -0.1}])
def test_bad_settings(wrong):
    with pytest.raises(InputError):
        Decoding.of(manner="nar", method="dat", **wrong)


def test_a_model_without_a_graph():
    model = JanusTransformer(TransformerConfig(9, 9, dimension=8, encoder_heads=2, decoder_heads=2)).eval()
    with pytest.raises(InputError, match="predicts no graph"):
        Decoding.of(manner="nar", method="dat").decode(model, Source.of(torch.tensor([[5, 2]]), PAD))
