"""Span attention against a dense mask in float64: values and every gradient, at odd lengths.

In C++ on the processor, and in Triton: on the GPU if there is one, else in its interpreter.
"""

import pytest
import torch

import kernels.attention
from kernels.attention import native_spans, span_attention, triton_spans
from kernels.attention.reference import span_attention_reference, visible


@pytest.fixture(params=["native", pytest.param("triton", marks=pytest.mark.slow)])
def device(request, monkeypatch) -> str:
    """Where tensors lie, after one of the implementations was chosen; tiles are many and the last is not full."""
    monkeypatch.setattr(triton_spans, "_TILE", 16)
    if request.param == "native":
        return "cpu"
    monkeypatch.setattr(kernels.attention, "_implementation", lambda _: triton_spans)
    return "cuda" if torch.cuda.is_available() else "cpu"


def draw_spans(rows: int, keys: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random pairs of intervals, some empty, and for each key the rows that hold all its query_spans."""
    generator = torch.Generator().manual_seed(seed)
    spans = torch.randint(0, keys + 1, (rows, 4), generator=generator).sort(1)[0]
    spans[::5, 2:] = 0
    spans[::7, :2] = 0
    seen = visible(spans, keys)
    query_spans = torch.zeros(keys, 4, dtype=torch.int32)
    for key in range(keys):
        who = seen[:, key].nonzero().flatten()
        for part, within in enumerate((who[who < rows // 2], who[who >= rows // 2])):
            if within.numel():
                query_spans[key, 2 * part : 2 * part + 2] = torch.tensor([within.min(), within.max() + 1])
    return spans.int(), query_spans


def draw(rows: int, keys: int, heads: int, size: int, seed: int = 1) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(rows, heads, size), (keys, heads, size), (keys, heads, size)]
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def run(function, tensors: list[torch.Tensor], *rest) -> list[torch.Tensor]:
    leaves = [x.clone().requires_grad_() for x in tensors]
    out = function(*leaves, *rest)
    weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype, device=out.device).view_as(out)
    return [out, *torch.autograd.grad((out * weights).sum(), leaves)]


SHAPES = [(37, 53, 2, 32), (16, 16, 1, 64), (1, 5, 3, 48), (70, 33, 1, 128), (33, 1, 2, 40), (40, 150, 2, 7)]


@pytest.mark.parametrize(("rows", "keys", "heads", "size"), SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float16, 1e-2), (torch.bfloat16, 5e-2)])
def test_equals_the_reference(device, rows, keys, heads, size, dtype, tolerance):
    spans, query_spans = draw_spans(rows, keys, seed=rows)
    exact = draw(rows, keys, heads, size)
    if kernels.attention._implementation(torch.device(device)) is native_spans and dtype == torch.float16:
        dtype = torch.float32
    rounded = [x.to(device, dtype) for x in exact]
    ours = run(span_attention, rounded, spans.to(device), query_spans.to(device))
    theirs = run(span_attention_reference, [x.double().cpu() for x in rounded], spans)
    for one, other in zip(ours, theirs):
        assert one.dtype == dtype
        torch.testing.assert_close(
            one.double().cpu(), other, rtol=tolerance, atol=tolerance * max(1, float(other.detach().abs().max()))
        )


def test_extreme_scores_stay_finite(device):
    spans, query_spans = draw_spans(37, 53, seed=3)
    tensors = [100 * draw(37, 53, 1, 32)[0], *draw(37, 53, 1, 32)[1:]]
    ours = run(span_attention, [x.float().to(device) for x in tensors], spans.to(device), query_spans.to(device))
    for one, other in zip(ours, run(span_attention_reference, tensors, spans)):
        torch.testing.assert_close(one.double().cpu(), other, rtol=1e-3, atol=1e-3 * float(other.detach().abs().max()))


def test_rows_that_see_nothing_give_zeros(device):
    tensors = [x.float().to(device) for x in draw(20, 24, 2, 32)]
    nothing = torch.zeros(20, 4, dtype=torch.int32, device=device), torch.zeros(24, 4, dtype=torch.int32, device=device)
    for result in run(span_attention, tensors, *nothing):
        assert torch.equal(result, torch.zeros_like(result))


def test_memory_around_the_rows_is_neither_read_nor_written(device):
    """NaN before and behind every tensor; the last tiles are not full."""
    spans, query_spans = draw_spans(37, 53, seed=5)
    exact = draw(37, 53, 2, 40)
    poisoned = []
    for x in exact:
        memory = torch.full((x.numel() + 4000,), float("nan"), device=device)
        poisoned.append(memory[2000 : 2000 + x.numel()].view_as(x).copy_(x))
    ours = run(span_attention, poisoned, spans.to(device), query_spans.to(device))
    for one, other in zip(ours, run(span_attention_reference, exact, spans)):
        torch.testing.assert_close(one.double().cpu(), other, rtol=1e-4, atol=1e-5)


def dropout_factors(keys: int, device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The factors that the kernel draws after torch.manual_seed(11): its probabilities with and without them."""
    spans = torch.tensor([0, keys, 0, 0], dtype=torch.int32, device=device).repeat(21, 1)
    query_spans = torch.tensor([0, 21, 0, 0], dtype=torch.int32, device=device).repeat(keys, 1)
    q, k, _ = (x.float().to(device) for x in draw(21, keys, 2, 32))
    one_hot = torch.eye(keys, 32, device=device)[:, None].expand(-1, 2, -1)
    torch.manual_seed(11)
    dropped = span_attention(q, k, one_hot, spans, query_spans, 0.3)
    whole = span_attention(q, k, one_hot, spans, query_spans)
    return (dropped / whole)[..., :keys], spans, query_spans


def test_dropout_keeps_its_rate_and_scale(device):
    factors, _, _ = dropout_factors(32, device)
    kept = factors > 0
    assert float(kept.float().mean()) == pytest.approx(0.7, abs=0.05)
    torch.testing.assert_close(factors[kept], torch.full_like(factors[kept], 1 / 0.7), rtol=1e-4, atol=1e-4)
    assert not torch.equal(kept[:, 0], kept[:, 1])


def test_dropout_draws_the_same_in_the_backward_pass(device):
    factors, spans, query_spans = dropout_factors(32, device)
    exact = draw(21, 32, 2, 32)

    def with_dropout(*inputs):
        torch.manual_seed(11)
        return span_attention(*inputs, 0.3)

    ours = run(with_dropout, [x.float().to(device) for x in exact], spans, query_spans)
    for one, other in zip(ours, run(span_attention_reference, exact, spans.cpu(), factors.double().cpu())):
        torch.testing.assert_close(one.double().cpu(), other, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_operator_registration(device):
    spans, query_spans = (x.to(device) for x in draw_spans(20, 24, seed=2))
    tensors = [x.float().to(device).requires_grad_() for x in draw(20, 24, 1, 32)]
    seed = torch.zeros(1, dtype=torch.int64, device=device)
    torch.library.opcheck(
        torch.ops.janus.span_attention.default,
        (*tensors, spans, query_spans, 0.0, seed),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_static"),
    )


def test_shapes_that_do_not_agree_are_refused():
    q, k, v = (x.float() for x in draw(4, 6, 1, 32))
    spans, query_spans = draw_spans(4, 6, seed=1)
    with pytest.raises(ValueError, match="do not agree"):
        span_attention(q, k, v, query_spans, spans)
