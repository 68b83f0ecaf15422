"""Packed linear layers against torch's own, and what happens where torch has no such operators."""

import pytest
import torch
from torch import nn

from kernels import packed_linear
from kernels.packed_linear import PackedLinear, can_pack, pack_linear_layers


@pytest.fixture(autouse=True)
def forget():
    packed_linear._is_available.cache_clear()
    yield
    packed_linear._is_available.cache_clear()


@pytest.mark.parametrize("shape", [(1,), (7,), (2, 3), (0,), (300,)])
@pytest.mark.parametrize(("inputs", "outputs"), [(16, 16), (37, 5), (1, 1), (64, 1001)])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_equal_to_torch(shape, inputs, outputs, bias):
    torch.manual_seed(1)
    linear = nn.Linear(inputs, outputs, bias=bias)
    x = torch.randn(*shape, inputs)
    packed = PackedLinear(linear)(x)
    torch.testing.assert_close(packed, linear(x), rtol=1e-5, atol=1e-5)
    strided = torch.randn(*shape, 2 * inputs)[..., ::2]
    torch.testing.assert_close(PackedLinear(linear)(strided), linear(strided), rtol=1e-5, atol=1e-5)


def test_every_layer_is_packed_and_keeps_its_names():
    model = nn.ModuleDict({"a": nn.Linear(3, 4), "b": nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU())})
    names = list(model.state_dict())
    assert pack_linear_layers(model) is model
    assert isinstance(model["a"], PackedLinear) and isinstance(model["b"][0], PackedLinear)
    assert list(model.state_dict()) == names


def test_other_types_stay_as_they_are():
    model = nn.Sequential(nn.Linear(3, 4).double(), nn.Linear(4, 5, device="meta"))
    pack_linear_layers(model)
    assert [type(layer) for layer in model] == [nn.Linear, nn.Linear]


@pytest.mark.parametrize("raised", [AttributeError, RuntimeError, NotImplementedError, TypeError])
def test_a_torch_without_the_operators(monkeypatch, raised):
    def missing(*arguments):
        raise raised("no such operator")

    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", missing)
    model = pack_linear_layers(nn.Sequential(nn.Linear(3, 4)))
    assert type(model[0]) is nn.Linear and not can_pack(model[0].weight)


def test_this_torch_has_them():
    """The suite's own version does; a newer one that does not is slower, and should be noticed here."""
    assert torch.backends.mkldnn.is_available() and can_pack(torch.ones(2, 3))
