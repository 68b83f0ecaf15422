"""IBM model 1 against the enumeration of all alignments."""

import itertools
from collections import Counter

import numpy as np
import pytest

from janus.text.alignment import NULL, Links, aligned_counts, number_words, train

PAIRS = [("das haus", "the house"), ("das buch", "the book"), ("ein buch das", "a book"), ("ein", "a a house")]


def links_of(pairs):
    sources, _ = number_words(source.split() for source, _ in pairs)
    targets, _ = number_words(target.split() for _, target in pairs)
    return sources, targets, Links.of(sources, targets)


def by_enumeration(sources, targets, iterations):
    """The lexicon {(x, y): t} by counting words over every alignment of every pair, weighted by its posterior."""
    pairs = {(int(x), int(y)) for xs, ys in zip(sources, targets) for x in [NULL, *xs] for y in ys}
    lexicon = dict.fromkeys(pairs, 1 / len({y for _, y in pairs}))
    for _ in range(iterations):
        counts: Counter = Counter()
        for xs, ys in zip(sources, targets):
            words = [NULL, *map(int, xs)]
            alignments = list(itertools.product(words, repeat=len(ys)))
            weights = np.array([np.prod([lexicon[x, int(y)] for x, y in zip(one, ys)]) for one in alignments])
            for one, weight in zip(alignments, weights / weights.sum()):
                for x, y in zip(one, ys):
                    counts[x, int(y)] += weight
        totals: Counter = Counter()
        for (x, _), count in counts.items():
            totals[x] += count
        lexicon = {pair: counts[pair] / totals[pair[0]] for pair in pairs}
    return lexicon


@pytest.mark.parametrize("iterations", [1, 2, 4])
def test_it_is_the_expectation_over_all_alignments(iterations):
    sources, targets, links = links_of(PAIRS)
    expected = by_enumeration(sources, targets, iterations)
    lexicon, _ = train(links, iterations)
    found = {(int(x), int(y)): t for x, y, t in zip(links.source, links.target, lexicon)}
    assert found.keys() == expected.keys()
    for pair, value in expected.items():
        assert found[pair] == pytest.approx(value, abs=1e-12)


def test_the_likelihood_grows_and_the_lexicon_is_a_distribution():
    _, _, links = links_of(PAIRS)
    lexicon, likelihoods = train(links, 8)
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(likelihoods))
    assert np.bincount(links.source, lexicon) == pytest.approx(np.ones(links.source.max() + 1))


def test_each_target_word_is_aligned_once():
    _, targets, links = links_of(PAIRS)
    counts = aligned_counts(links, train(links, 10)[0])
    assert counts.sum() == sum(map(len, targets))
    found = {(int(x), int(y)): int(n) for x, y, n in zip(links.source, links.target, counts)}
    # das = 1, buch = 3; the = 1, book = 3
    assert found[1, 1] == 2 and found[3, 3] == 2


def test_no_text_has_no_links():
    links = Links.of([], [])
    lexicon, likelihoods = train(links, 2)
    assert lexicon.size == 0 and likelihoods == [0.0, 0.0] and aligned_counts(links, lexicon).size == 0
