"""The noise of pre-training, by its laws."""

from dataclasses import replace

import pytest
import torch

from janus.noise.denoising import Noise, add_noise
from janus.noise.masks import batch_generator, draw_spans

PAD, MASK = 1, 99
BOS, EOS = 0, 2

# The noise of both recipes in config/systems.yaml.
PAPER, RELEASE = Noise(), Noise(budget=0.3, shared=0.5, rotated=0.5)


def blocks(number: int = 60, width: int = 40, seed: int = 1) -> torch.Tensor:
    """Every inner token of a block is another one, so that a source tells where each of its tokens stood."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, width + 1, (number,), generator=generator)
    target = torch.arange(10, 10 + width).repeat(number, 1)
    target[:, 0] = BOS
    target[torch.arange(number), lengths - 1] = EOS
    return target.masked_fill(torch.arange(width) >= lengths[:, None], PAD)


def noised(target: torch.Tensor, noise: Noise, seed: int = 3):
    return add_noise(target, noise, pad=PAD, mask=MASK, generator=batch_generator(seed))


@pytest.mark.parametrize("noise", [PAPER, RELEASE, Noise(0.9, 1.0, 1.0), Noise(0.2, 5.0, 0.0)])
def test_what_the_encoder_lacks_the_decoder_lacks(noise):
    target = blocks()
    done = noised(target, replace(noise, rotated=0.0))
    for row, source, hidden in zip(target, done.source, done.hidden):
        seen = [token for token in source.tolist() if token not in (MASK, PAD)]
        block = [token for token in row.tolist() if token != PAD]
        assert seen == [token for token in block if token in seen], "the order is kept"
        assert seen[0] == BOS and seen[-1] == EOS
        lacking = set(block) - set(seen)
        assert lacking <= set(row[hidden].tolist())
        assert not hidden[0] and not hidden[len(block) - 1 :].any()


def test_each_run_of_lacking_tokens_is_behind_one_mask():
    """Without empty spans: masks stand exactly where tokens are missing."""
    target = blocks()
    done = noised(target, Noise(0.5, 4.0, 0.6))
    for row, source in zip(target.tolist(), done.source.tolist()):
        block = [token for token in row if token != PAD]
        source = [token for token in source if token != PAD]
        for left, right in zip(source, source[1:]):
            if MASK not in (left, right):
                assert block.index(right) == block.index(left) + 1


def test_the_decoder_lacks_more():
    target = blocks(400)
    done = noised(target, PAPER)
    inner = float(target.ne(PAD).sum() - 2 * len(target))
    visible = float((done.source.ne(PAD) & done.source.ne(MASK)).sum() - 2 * len(target))
    encoder, decoder = 1 - visible / inner, float(done.hidden.sum()) / inner
    assert 0.2 < encoder < 0.3 < decoder < 0.5
    none = noised(target, replace(PAPER, shared=0.0))
    assert torch.equal(none.source[:, : target.size(1)], target)


def test_the_release_hides_about_a_quarter():
    """official measurement of its code on a toy corpus: 26.7 % of the target tokens."""
    target = blocks(600, width=120)
    done = noised(target, RELEASE)
    assert float(done.hidden.sum()) / float(target.ne(PAD).sum()) == pytest.approx(0.26, abs=0.02)


def test_rotation_keeps_the_tokens_and_the_ends():
    target = blocks()
    turned = noised(target, Noise(0.0, 3.0, 1.0, rotated=1.0)).source
    moved = 0
    for row, source in zip(target.tolist(), turned.tolist()):
        block, source = ([token for token in x if token != PAD] for x in (row, source))
        assert source[0] == BOS and source[-1] == EOS
        inner = block[1:-1]
        first = inner.index(source[1])
        assert source[1:-1] == inner[first:] + inner[:first]
        moved += first > 0
    assert moved > 30


@pytest.mark.parametrize("noise", [PAPER, RELEASE, replace(PAPER, rotated=1.0)])
def test_same_seed_same_noise(noise):
    """Nothing is drawn but from the generator that is given."""
    target = blocks()
    one, two, other = noised(target, noise), noised(target, noise), noised(target, noise, seed=4)
    assert torch.equal(one.source, two.source) and torch.equal(one.hidden, two.hidden)
    assert not torch.equal(one.hidden, other.hidden)
    state = torch.get_rng_state()
    noised(target, noise)
    assert torch.equal(torch.get_rng_state(), state)


def test_blocks_of_nothing_survive():
    target = torch.tensor([[BOS, EOS]])
    done = noised(target, PAPER)
    assert done.source.tolist()[0][0] == BOS and done.source.tolist()[0][-1] == EOS and not done.hidden.any()


@pytest.mark.parametrize("noise", [PAPER, replace(RELEASE, rotated=0.0), Noise(0.9, 0.7, 0.8), Noise(0.3, 4.0, 1.0)])
def test_a_block_is_what_a_loop_over_its_tokens_makes_of_the_same_spans(noise):
    """One mask before each run of lacking tokens and for each empty span that stands in none."""
    target, generator = blocks(), batch_generator(3)
    spans = draw_spans(target, pad=PAD, budget=noise.budget, poisson=noise.poisson, generator=generator)
    chosen = spans.drawn & (torch.rand(spans.starts.shape, generator=generator) < noise.shared)
    done = noised(target, noise)
    empty = 0
    for b, row in enumerate(target.tolist()):
        block = [token for token in row if token != PAD]
        inner = range(1, len(block) - 1)
        places = [
            list(zip(spans.starts[b][some].tolist(), spans.lengths[b][some].tolist()))
            for some in (chosen[b], spans.drawn[b])
        ]
        lacking, hidden = ({p for start, n in part for p in range(start, start + n) if p in inner} for part in places)
        source = []
        for p, token in enumerate(block):
            opens = p in lacking and p - 1 not in lacking
            void = p not in lacking and p in inner and any(start == p for start, _ in places[0])
            source += [MASK] * (opens or void) + [token] * (p not in lacking)
            empty += void
        assert [token for token in done.source[b].tolist() if token != PAD] == source
        assert done.source[b].tolist() == source + [PAD] * (done.source.size(1) - len(source)), "padding is behind"
        assert set(done.hidden[b].nonzero().flatten().tolist()) == hidden
    assert empty, "spans of no length were drawn"
    assert done.source.size(1) == max(int(row.ne(PAD).sum()) for row in done.source)


def test_a_share_of_the_sources_is_turned():
    """Half of them at 0.5: the others stay, and every turn is as likely as the next."""
    target = torch.arange(10, 18).repeat(4000, 1)
    target[:, 0], target[:, -1] = BOS, EOS
    source = noised(target, Noise(0.0, 3.0, 1.0, rotated=0.5)).source
    first = torch.bincount(source[:, 1] - 11, minlength=6) / len(source)
    # The six turns, of which the first is none; of 4000 a share is known to 0.8 %.
    assert first.tolist() == pytest.approx([0.5 + 0.5 / 6] + [0.5 / 6] * 5, abs=0.03)
