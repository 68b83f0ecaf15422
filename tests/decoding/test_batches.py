"""How sentences are put into batches, and what is made of the seconds they took."""

import pytest
from fairseq_models import sources

from janus.decoding.driver import batches_by_length
from janus.decoding.latency import _summary


@pytest.mark.parametrize("tokens", [1, 13, 40, 41, 10_000])
def test_batches_are_as_large_as_the_bound_allows(tokens):
    """Longest sentences first; a batch ends only where the next sentence would exceed the bound."""
    sentences = sources(60, bos=True)
    batches = list(batches_by_length(sentences, tokens))
    order = [len(sentences[i]) for batch in batches for i in batch]
    assert order == sorted(order, reverse=True) and len(order) == 60
    for batch, following in zip(batches, batches[1:]):
        longest = len(sentences[batch[0]])
        assert len(batch) == 1 or longest * len(batch) <= tokens
        assert longest * (len(batch) + 1) > tokens
        assert following


def test_seconds_become_speeds():
    made = _summary([2.0, 1.0, 4.0], 10)
    assert made["sentences_per_second"] == {"median": 5.0, "low": 2.5, "high": 10.0}
    assert made["milliseconds_per_sentence"] == {"median": 200.0, "low": 100.0, "high": 400.0}
