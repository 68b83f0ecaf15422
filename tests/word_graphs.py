"""Graphs of words for the tests of their decoders: those of the authors' code, and drawn ones."""

import torch
from golden_zoo import read_golden

from janus.model.graph import WordGraph
from janus.model.ragged import Ragged

GOLDEN = read_golden("dat")
PAD = 1


def graph_of(log_probs, links, sizes, factor, words):
    """The graph of padded log-probabilities [B, W, V] and links [B, W, W], with the best `words` of each vertex."""
    rows = [torch.cat([x[b, :size] for b, size in enumerate(sizes.tolist())]) for x in (log_probs, links)]
    scores, best = rows[0].sort(stable=True, dim=1, descending=True)
    layout = Ragged(torch.repeat_interleave(sizes), len(sizes))
    return WordGraph(layout, rows[1], scores[:, :words], best[:, :words], factor)


def golden_graph(prefix, words=1):
    """The graphs `synth.` or `decode.` of the golden file."""
    if prefix == "synth.":
        return graph_of(GOLDEN["synth.log_probs"], GOLDEN["synth.links"], GOLDEN["synth.graph_sizes"], 2.0, words)
    log_probs = GOLDEN["decode.logits"].log_softmax(-1)
    return graph_of(log_probs, GOLDEN["decode.links"], GOLDEN["graph_sizes"], 3.0, words)


def drawn_graph(seed, vertices, words, *, kept=None, spread=2.0):
    """One random graph in float64, and the log-probabilities [L, V] of all its words."""
    generator = torch.Generator().manual_seed(seed)
    log_probs = (torch.randn(1, vertices, words, generator=generator, dtype=torch.float64) * spread).log_softmax(-1)
    links = torch.randn(1, vertices, vertices, generator=generator, dtype=torch.float64) * spread
    later = torch.ones(vertices, vertices, dtype=torch.bool).triu(1)
    links = links.masked_fill(~later, -1e9).log_softmax(-1).masked_fill(~later, -torch.inf)
    return graph_of(log_probs, links, torch.tensor([vertices]), 1.0, kept or words), log_probs[0]


def check(hypotheses, name):
    """The tokens are those of the golden file, which are padded."""
    expected = [[token for token in row if token != PAD] for row in GOLDEN[name].tolist()]
    assert [one.tokens.tolist() for one in hypotheses] == expected
