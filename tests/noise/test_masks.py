"""Masks against the statistics of the release's sampler, and the laws any mask obeys."""

import json
import math
from pathlib import Path

import pytest
import torch
from scipy import stats

from janus.noise.masks import _poisson_table, batch_generator, draw_spans, maskable, span_mask, uniform_mask

PAD = 1
STATISTICS = json.loads((Path(__file__).parents[1] / "golden" / "span-mask-stats.json").read_text())


def sentences(length: int, count: int) -> torch.Tensor:
    """`count` targets of `length` words, bos and eos around them, with some padding behind."""
    target = torch.full((count, length + 5), PAD)
    target[:, : length + 2] = 9
    target[:, 0], target[:, length + 1] = 0, 2
    return target


@pytest.mark.parametrize("length", [int(key) for key in STATISTICS if key.isdigit()])
def test_span_masks_have_the_release_statistics(length):
    count = 20_000
    drawn = span_mask(sentences(length, count), pad=PAD, budget=0.7, poisson=2.0, generator=batch_generator(length))[
        :, 1 : length + 1
    ].double()
    theirs = STATISTICS[str(length)]
    share = drawn.mean(1)
    # The reference numbers are themselves sampled: four standard errors of a difference of two such means.
    slack = 4 * math.sqrt(2 / 4000)
    assert share.mean() == pytest.approx(theirs["mean"], abs=slack * theirs["std"] + 1e-3)
    assert share.std() == pytest.approx(theirs["std"], abs=slack * max(theirs["std"], 0.05))
    for name, value in {
        "p_zero": (share == 0).double().mean(),
        "p_first": drawn[:, 0].mean(),
        "p_last": drawn[:, -1].mean(),
        "p_mid": drawn[:, length // 2].mean(),
    }.items():
        assert value == pytest.approx(theirs[name], abs=slack / 2), name
    runs = (drawn - torch.nn.functional.pad(drawn, (1, 0))[:, :-1] == 1).sum()
    assert drawn.sum() / runs == pytest.approx(theirs["mean_run"], rel=0.04)


def test_uniform_counts_are_uniform():
    count = 30_000
    drawn = uniform_mask(sentences(6, count), pad=PAD, generator=batch_generator(1)).sum(1)
    frequency = torch.bincount(drawn, minlength=7) / count
    assert frequency[0] == 0
    assert frequency[1:].tolist() == pytest.approx([1 / 6] * 6, abs=0.012)


@pytest.mark.parametrize("kind", ["span", "uniform"])
def test_frame_and_padding_stay_visible(kind):
    target = torch.cat([torch.nn.functional.pad(sentences(n, 50), (0, 9 - n), value=PAD) for n in (1, 2, 9)])

    def draw(generator: torch.Generator) -> torch.Tensor:
        if kind == "span":
            return span_mask(target, pad=PAD, budget=0.7, poisson=2.0, generator=generator)
        return uniform_mask(target, pad=PAD, generator=generator)

    first, second, third = draw(batch_generator(1, 2)), draw(batch_generator(1, 2)), draw(batch_generator(1, 3))
    state = torch.get_rng_state()
    draw(batch_generator(1, 2))
    assert torch.equal(torch.get_rng_state(), state), "nothing is drawn but from the generator that is given"
    assert not (first & ~maskable(target, pad=PAD)).any()
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_a_sentence_without_words_is_never_masked():
    target = sentences(0, 3)
    assert not uniform_mask(target, pad=PAD, generator=batch_generator(1)).any()
    assert not span_mask(target, pad=PAD, budget=0.7, poisson=2.0, generator=batch_generator(1)).any()


@pytest.mark.parametrize("length", [3, 6, 11])
def test_a_span_that_ends_with_the_sentence_keeps_its_length(length):
    """One span, as long as the budget: half of the tokens, bos and eos counted. It starts anywhere with equal chance.

    Those that fit are whole, the last of them ending with eos; those that would run over, be it by one, cover one.
    """
    target = sentences(length, 2000)
    spans = draw_spans(target, pad=PAD, budget=0.5, poisson=200.0, generator=batch_generator(length))
    whole = math.ceil((length + 2) / 2)
    assert spans.drawn.sum(1).eq(1).all() and spans.drawn[:, 0].all()
    starts, lengths = spans.starts[:, 0], spans.lengths[:, 0]
    assert set(starts.tolist()) == set(range(length + 2))
    expected = [whole if start + whole <= length + 2 else 1 for start in starts.tolist()]
    assert lengths.tolist() == expected
    covered = spans.covered(target.size(1))
    for row, start, number in zip(covered.tolist(), starts.tolist(), expected):
        assert [place for place, inside in enumerate(row) if inside] == list(range(start, start + number))


@pytest.mark.parametrize("budget", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("poisson", [0.5, 2.0, 9.0])
def test_spans_obey_their_laws(budget, poisson):
    """Distinct starts among the tokens, no place outside the sentence, no more tokens than the budget allows."""
    target = torch.cat([torch.nn.functional.pad(sentences(n, 40), (0, 9 - n), value=PAD) for n in (0, 1, 2, 5, 9)])
    spans = draw_spans(target, pad=PAD, budget=budget, poisson=poisson, generator=batch_generator(3))
    for row, starts, lengths, drawn in zip(target, spans.starts, spans.lengths, spans.drawn):
        number = int(row.ne(PAD).sum())
        starts, lengths = starts[drawn].tolist(), lengths[drawn].tolist()
        assert len(set(starts)) == len(starts) and all(0 <= start < number for start in starts)
        assert all(start + length <= number for start, length in zip(starts, lengths))
        assert sum(lengths) <= math.ceil(budget * number)


@pytest.mark.parametrize("mean", [0.5, 2.0, 3.5, 9.0, 40.0])
def test_span_lengths_are_poissons(mean):
    """Up to the first length beyond the mean that is rarer than 1e-7, which still belongs to the table."""
    table = _poisson_table(mean)
    expected = stats.poisson.pmf(range(len(table)), mean)
    torch.testing.assert_close(table, torch.from_numpy(expected), rtol=1e-12, atol=0)
    after = [k for k in range(200) if k > mean and stats.poisson.pmf(k, mean) < 1e-7]
    assert len(table) == after[0] + 1
    if mean == 2.0:
        assert len(table) == 15, "as many as the release has"
