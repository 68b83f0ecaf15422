"""Masks against the statistics of the release's sampler, and the laws any mask obeys."""

import json
import math
from pathlib import Path

import pytest
import torch

from janus.masking import batch_generator, maskable, span_mask, uniform_mask

PAD = 1
STATISTICS = json.loads((Path(__file__).parent / "golden" / "span-mask-stats.json").read_text())


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
    assert not (first & ~maskable(target, pad=PAD)).any()
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_a_sentence_without_words_is_never_masked():
    target = sentences(0, 3)
    assert not uniform_mask(target, pad=PAD, generator=batch_generator(1)).any()
    assert not span_mask(target, pad=PAD, budget=0.7, poisson=2.0, generator=batch_generator(1)).any()
