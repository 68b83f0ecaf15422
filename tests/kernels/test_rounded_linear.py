"""Linear layers on rounded numbers of rows against torch's own and against float64."""

import pytest
import torch
from torch import nn
from torch.utils import deterministic

from kernels import rounded_linear
from kernels.rounded_linear import RoundedLinear, rounded

SHAPES = [(0,), (1,), (15,), (16,), (17,), (1000,), (1025,), (3, 37)]


def step(layer: nn.Module, x: torch.Tensor, d_out: torch.Tensor, dtype: torch.dtype) -> list[torch.Tensor]:
    """Output, and gradients of the input and of every parameter, of a step in autocast's dtype."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", dtype, enabled=dtype != x.dtype):
        out = layer(x)
    gradients = torch.autograd.grad((out.double() * d_out).sum(), [x, *layer.parameters()])
    return [out.detach(), *gradients]


def layers(inputs: int, outputs: int, bias: bool) -> tuple[RoundedLinear, nn.Linear, nn.Linear]:
    """Ours, torch's and torch's in float64, with one set of weights."""
    torch.manual_seed(3)
    ours, theirs = RoundedLinear(inputs, outputs, bias=bias), nn.Linear(inputs, outputs, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    exact = nn.Linear(inputs, outputs, bias=bias).double()
    exact.load_state_dict(ours.state_dict())
    return ours, theirs, exact


@pytest.mark.parametrize("poisoned", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), [(16, 24), (5, 3)])
@pytest.mark.parametrize("shape", SHAPES)
def test_bfloat16_against_float64(shape, inputs, outputs, bias, poisoned, monkeypatch):
    """Also with uninitialised memory filled with NaN."""
    ours, theirs, exact = layers(inputs, outputs, bias)
    x, d_out = torch.randn(*shape, inputs), torch.randn(*shape, outputs)
    expected = step(exact, x.double(), d_out.double(), torch.float64)
    if poisoned:
        monkeypatch.setattr(deterministic, "fill_uninitialized_memory", True)
        torch.use_deterministic_algorithms(True)
    try:
        results = step(ours, x, d_out, torch.bfloat16), step(theirs, x, d_out, torch.bfloat16)
    finally:
        torch.use_deterministic_algorithms(False)
    for mine, torchs, right in zip(*results, expected, strict=True):
        assert mine.dtype == torchs.dtype and mine.shape == right.shape
        scale = right.abs().max().item() if right.numel() else 1.0
        torch.testing.assert_close(mine.double(), right, rtol=0, atol=0.02 * scale)
        torch.testing.assert_close(torchs.double(), right, rtol=0, atol=0.02 * scale)


def test_inputs_that_are_bfloat16_already():
    ours, _, exact = layers(8, 4, True)
    x = torch.randn(19, 8).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        out = ours(x)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.double(), exact(x.double()), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("frozen", ["x", "weight", "bias"])
def test_only_needed_gradients_are_computed(frozen):
    ours, _, _ = layers(8, 4, True)
    x = torch.randn(19, 8, requires_grad=frozen != "x")
    if frozen != "x":
        getattr(ours, frozen).requires_grad_(False)
    with torch.autocast("cpu", torch.bfloat16):
        ours(x).float().sum().backward()
    gradients = {"x": x.grad, "weight": ours.weight.grad, "bias": ours.bias.grad}
    assert {name for name, gradient in gradients.items() if gradient is None} == {frozen}


@pytest.mark.parametrize("setting", ["float32", "no gradient"])
def test_elsewhere_it_is_torchs(setting, monkeypatch):
    """In float32 MKL multiplies, which compiles nothing; decoding has its own layers."""

    def unexpected(*arguments):
        raise AssertionError("rounded")

    monkeypatch.setattr(rounded_linear._RoundedLinear, "apply", unexpected)
    ours, theirs, _ = layers(8, 4, True)
    x = torch.randn(19, 8)
    lean, learns = setting == "no gradient", setting == "float32"
    with torch.autocast("cpu", torch.bfloat16, enabled=lean), torch.set_grad_enabled(learns):
        torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=0)


def test_products_see_few_numbers_of_rows(monkeypatch):
    """What it is for: every number of rows from 1,000 to 4,000 gives one of 17 shapes."""
    seen = set()
    linear = torch.nn.functional.linear

    def spy(x, *arguments):
        seen.add(x.size(0))
        return linear(x, *arguments)

    monkeypatch.setattr(rounded_linear.F, "linear", spy)
    ours, _, _ = layers(2, 2, True)
    with torch.autocast("cpu", torch.bfloat16):
        for rows in range(1000, 4001, 7):
            ours(torch.ones(rows, 2, requires_grad=True))
    assert len(seen) <= 17


def test_rounded_up_by_at_most_an_eighth():
    for rows in range(5000):
        assert rows <= rounded(rows) <= max(rows * 9 / 8, rows + 15) and rounded(rounded(rows)) == rounded(rows)
    assert rounded(0) == 0 and rounded(1) == 16
