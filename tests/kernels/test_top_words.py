"""The most probable words: C++ against torch's operators."""

import pytest
import torch

from kernels.top_words import top_words


def draw(rows: int, words: int, seed: int = 1) -> torch.Tensor:
    return 5 * torch.randn(rows, words, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("words", [1, 2, 15, 16, 17, 63, 64, 65, 129, 5003])
@pytest.mark.parametrize("count", [1, 2, 10, 64])
def test_equal_to_float64(words, count):
    count = min(count, words)
    logits = draw(7, words)
    ours = top_words(logits, count)
    # Of the logits, since some of float32's are equal.
    order = logits.sort(dim=-1, descending=True, stable=True).indices[:, :count]
    assert torch.equal(ours[1], order)
    expected = torch.log_softmax(logits.double(), -1).gather(1, order)
    torch.testing.assert_close(ours[0].double(), expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_banned_words_keep_their_share_and_are_not_chosen(dtype):
    logits = draw(4, 70).to(dtype)
    logits[:, 66] = 50.0
    log_probs, words = top_words(logits, 3, [66, 0])
    expected = torch.log_softmax(logits.double(), -1)
    assert not (words == 66).any() and not (words == 0).any()
    torch.testing.assert_close(log_probs.double(), expected.gather(1, words), rtol=0, atol=1e-5)
    assert (log_probs < -20).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fewer_words_than_wanted(dtype):
    log_probs, words = top_words(draw(2, 3).to(dtype), 3, [1])
    assert (log_probs[:, :2] > -torch.inf).all() and (log_probs[:, 2] == -torch.inf).all()
    assert (words[:, :2] != 1).all()


def test_equal_scores_are_in_the_order_of_the_vocabulary():
    logits = torch.zeros(1, 200)
    logits[0, [150, 30, 77]] = 2.0
    assert top_words(logits, 6)[1].tolist() == [[30, 77, 150, 0, 1, 2]]


@pytest.mark.parametrize("place", [0, 70, 99])
def test_scores_that_are_no_numbers_are_not_hidden(place):
    logits = draw(2, 100)
    logits[1, place] = torch.nan
    log_probs, _ = top_words(logits, 2)
    assert log_probs[0].isfinite().all() and log_probs[1].isnan().all()


def test_the_memory_behind_a_row_is_not_read():
    logits = draw(3, 41)
    poisoned = torch.full((3, 64), torch.nan)
    poisoned[:, :41] = logits
    for one, other in zip(top_words(poisoned[:, :41], 4), top_words(logits, 4)):
        assert torch.equal(one, other)


def test_no_rows():
    assert [x.shape for x in top_words(draw(0, 9), 2)] == [(0, 2), (0, 2)]
