"""Residual, dropout and normalisation in C++ against PyTorch in float64."""

import contextlib

import pytest
import torch
import torch.nn.functional as F

from kernels.residual_norm import _ResidualNorm, residual_norm

EPS = 1e-5
SHAPES = [(0, 8), (1, 1), (3, 15), (7, 16), (1025, 17), (33, 128), (2100, 40)]


def draw(rows: int, size: int) -> list[torch.Tensor]:
    """rows, update, weight, bias in float64."""
    generator = torch.Generator().manual_seed(size)
    shapes = [(rows, size), (rows, size), (size,), (size,)]
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def gradients(function, tensors, *d_outputs):
    """Outputs, and the gradients of their products with `d_outputs` in all tensors."""
    tensors = [x.detach().clone().requires_grad_() for x in tensors]
    outputs = function(*tensors)
    total = sum((out.double() * g).sum() for out, g in zip(outputs, d_outputs) if g is not None)
    return [x.detach().double() for x in outputs], [x.double() for x in torch.autograd.grad(total, tensors)]


def reference(factors=1.0):
    def normalise(rows, update, weight, bias):
        out = F.layer_norm(rows + factors * update, weight.shape, weight, bias, EPS)
        return out, out

    return normalise


def ours(dropout=0.0, seed=3):
    def normalise(*tensors):
        torch.manual_seed(seed)
        return residual_norm(*tensors, EPS, dropout)

    return normalise


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request):
    """The context of a training step in a precision, the type of its updates, and the error allowed."""
    if request.param == "float32":
        return contextlib.nullcontext(), torch.float32, 2e-5
    return torch.autocast("cpu", torch.bfloat16), torch.bfloat16, 2e-2


def lower(tensors, dtype):
    """Rows, weights and biases in float32, the update in `dtype`; and what of it float64 sees."""
    made = [x.to(dtype if number == 1 else torch.float32) for number, x in enumerate(tensors)]
    return made, [x.double() for x in made]


@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_gradients_equal_float64s(shape, precision):
    context, dtype, error = precision
    tensors, exact = lower(draw(*shape), dtype)
    d_outputs = torch.randn(2, *shape, dtype=torch.float64).to(dtype).double()
    with context:
        outputs, slopes = gradients(ours(), tensors, *d_outputs)
    expected, slopes_expected = gradients(reference(), exact, *d_outputs)
    torch.testing.assert_close(outputs[0], expected[0], rtol=2e-5, atol=2e-5)
    torch.testing.assert_close(outputs[1], expected[1], rtol=error, atol=error)
    for number, (one, other) in enumerate(zip(slopes, slopes_expected)):
        # A single unit is its own mean: the gradients in rows and update are zero but for rounding.
        tolerance = error if number == 1 else 2e-5
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance * 10)


@pytest.mark.parametrize("used", [0, 1])
def test_an_output_without_gradient_counts_nothing(used):
    tensors, exact = lower(draw(5, 24), torch.bfloat16)
    d_outputs = [None, None]
    d_outputs[used] = torch.randn(5, 24).bfloat16().double()
    with torch.autocast("cpu", torch.bfloat16):
        _, slopes = gradients(ours(), tensors, *d_outputs)
    _, expected = gradients(reference(), exact, *d_outputs)
    for number, (one, other) in enumerate(zip(slopes, expected)):
        tolerance = 2e-2 if number == 1 else 1e-4
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def test_dropout_has_its_rate_and_scale_and_is_the_same_backward():
    rows, update, weight, bias = draw(20, 50)
    weight, bias = torch.ones_like(weight), torch.zeros_like(bias)
    ones = torch.ones_like(update)
    tensors, exact = lower([rows, ones, weight, bias], torch.float32)
    torch.manual_seed(3)
    out, _ = residual_norm(*(x.clone().requires_grad_() for x in tensors), EPS, 0.3)
    factors = recover_factors(out.detach().double(), exact[0])
    assert float(factors.gt(0).double().mean()) == pytest.approx(0.7, abs=0.05)
    for place in (factors[0], factors[:, 0]):
        assert 0 < place.gt(0).double().mean() < 1
    d_outputs = torch.randn(20, 50, dtype=torch.float64).float().double()
    tensors, exact = lower(draw(20, 50), torch.float32)
    _, slopes = gradients(ours(0.3), tensors, d_outputs, None)
    _, expected = gradients(reference(factors), exact, d_outputs, None)
    for one, other in zip(slopes, expected):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


def recover_factors(out: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The factor, 0 or 1 / 0.7, of each unit of an update of ones: out [N, D] is affine in rows + factor."""
    factors = torch.empty_like(rows)
    for number, (y, x) in enumerate(zip(out, rows)):
        # y = (x + f) a - b for some a > 0 and b: of the units with one f, y against x is a line of slope a, so
        # y / a - x takes two values. The slope is found between pairs of units: the value most pairs agree on.
        dy, dx = y[:, None] - y, x[:, None] - x
        slopes = (dy / dx)[dx.abs() > 0.5]
        centre = slopes[(slopes[:, None] - slopes).abs().lt(1e-4).sum(1).argmax()]
        level = y / centre - x
        factors[number] = torch.where(level > (level.max() + level.min()) / 2, 1 / 0.7, 0.0)
    return factors


def test_everything_can_be_dropped():
    tensors, exact = lower(draw(4, 20), torch.float32)
    outputs, slopes = gradients(ours(1.0), tensors, torch.ones(4, 20).double())
    expected, _ = gradients(reference(0.0), exact, torch.ones(4, 20).double())
    torch.testing.assert_close(outputs[0], expected[0], rtol=2e-5, atol=2e-5)
    assert torch.equal(slopes[1], torch.zeros(4, 20).double())


def test_what_lies_beside_the_tensors_is_neither_read_nor_written():
    tensors, _ = lower(draw(3, 19), torch.float32)
    poisoned = []
    for x in tensors:
        around = torch.full((x.numel() + 64,), torch.nan)
        around[32:-32] = x.flatten()
        poisoned.append(around[32:-32].view_as(x))
    outputs, slopes = gradients(ours(), poisoned, torch.ones(3, 19).double())
    assert all(x.isfinite().all() for x in (*outputs, *slopes))


@pytest.mark.parametrize("part", [0, 1])
def test_a_unit_that_is_no_number_spoils_its_row_alone(part):
    tensors, _ = lower(draw(4, 33), torch.float32)
    tensors[part][2, 30] = torch.nan
    out, _ = residual_norm(*(x.requires_grad_() for x in tensors), EPS)
    assert out[2].isnan().all() and out[[0, 1, 3]].isfinite().all()


def test_threads_change_no_result():
    tensors, _ = lower(draw(3000, 40), torch.float32)
    d_outputs = torch.randn(3000, 40).double()
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(gradients(ours(0.2), tensors, d_outputs))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*([*result[0], *result[1]] for result in results)):
        assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_types_that_the_operator_does_not_know_are_computed_by_pytorch(dtype, monkeypatch):
    monkeypatch.setattr(_ResidualNorm, "apply", None)
    tensors = [x.to(dtype).requires_grad_() for x in draw(5, 16)]
    out, out_cast = residual_norm(*tensors, EPS)
    assert out is out_cast and out.dtype == dtype
    expected, _ = reference()(*(x.detach().double() for x in tensors))
    torch.testing.assert_close(out.double(), expected, rtol=1e-2, atol=1e-2)
