"""Attention through a table of ancestors against attention to keys that were copied."""

import pytest
import torch

from kernels.cached_attention import cached_attention


def draw(rows: int, asks: int, steps: int, width: int, heads: int, size: int, dtype=torch.float32):
    generator = torch.Generator().manual_seed(steps * 100 + size)
    q = torch.randn(rows, asks, heads, size, generator=generator, dtype=dtype)
    keys, values = (torch.randn(steps, width, heads, size, generator=generator, dtype=dtype) for _ in range(2))
    ancestors = torch.randint(width, (rows, steps), generator=generator, dtype=torch.int32)
    return 2 * q, 2 * keys, values, ancestors


def copied(q, keys, values, ancestors):
    """Each hypothesis's own keys and values, attended to in float64."""
    out = torch.empty_like(q, dtype=torch.float64)
    for n, own in enumerate(ancestors.tolist()):
        k, v = (torch.stack([x[t, row] for t, row in enumerate(own)], 1).double() for x in (keys, values))
        scores = q[n].double().transpose(0, 1) @ k.transpose(1, 2) * q.size(-1) ** -0.5
        out[n] = (scores.softmax(-1) @ v).transpose(0, 1)
    return out


@pytest.mark.parametrize("size", [1, 4, 15, 16, 17, 64, 128])
@pytest.mark.parametrize(
    ("rows", "asks", "steps", "width", "heads"), [(1, 1, 1, 1, 1), (5, 2, 9, 7, 3), (8, 1, 33, 8, 2)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_to_keys_that_were_copied(rows, asks, steps, width, heads, size, dtype):
    inputs = draw(rows, asks, steps, width, heads, size, dtype)
    torch.testing.assert_close(cached_attention(*inputs).double(), copied(*inputs), rtol=2e-5, atol=2e-5)


def test_rows_that_nobody_descends_from_are_not_read():
    q, keys, values, ancestors = draw(4, 2, 5, 6, 2, 16)
    ancestors[ancestors == 3] = 2
    expected = cached_attention(q, keys, values, ancestors)
    for x in (keys, values):
        x[:, 3] = torch.nan
    assert torch.equal(cached_attention(q, keys, values, ancestors), expected)


def test_a_table_with_room_at_its_end():
    q, keys, values, ancestors = draw(4, 1, 5, 6, 2, 16)
    roomy = torch.full((4, 9), 10_000, dtype=torch.int32)
    roomy[:, :5] = ancestors
    assert torch.equal(cached_attention(q, keys, values, roomy[:, :5]), cached_attention(q, keys, values, ancestors))


def test_shapes_that_do_not_agree():
    q, keys, values, ancestors = draw(4, 1, 5, 6, 2, 16)
    with pytest.raises(ValueError, match=r"do not agree: \[4, 1, 2, 16\], \[5, 6, 2, 16\]"):
        cached_attention(q, keys, values, ancestors[:, :4])
    with pytest.raises(ValueError, match="contiguous"):
        cached_attention(q, keys.transpose(0, 1).contiguous().transpose(0, 1), values, ancestors)
