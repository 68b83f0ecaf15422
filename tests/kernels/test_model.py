"""The whole model through the kernels against the padded path: losses and every gradient of both recipes."""

import pytest
import torch

import kernels.attention
import kernels.joint_loss
from janus.methods.base.joint_loss import PAPER, RELEASE, joint_loss
from janus.model import attention
from janus.model.config import TransformerConfig
from janus.model.ragged import Source
from janus.model.streams import pack_streams
from janus.model.transformer import JanusTransformer
from kernels.attention import native_spans
from kernels.joint_loss.rows import score_rows

PAD, MASK = 1, 3


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    target = torch.randint(4, 40, (7, 11), generator=generator)
    lengths = torch.tensor([11, 2, 3, 9, 6, 11, 7])
    place = torch.arange(11)
    target[place >= lengths[:, None]] = PAD
    target[:, 0] = 0
    target[torch.arange(7), lengths - 1] = 2
    inner = (place > 0) & (place < lengths[:, None] - 1)
    return target, (torch.rand(target.shape, generator=generator) < 0.6) & inner


def gradients(passes: int, device: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(4)
    config = TransformerConfig(
        40,
        40,
        dimension=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_ffn=32,
        decoder_ffn=32,
        encoder_heads=2,
        decoder_heads=2,
        dropout=0.0,
        encoder_passes=passes,
    )
    model = JanusTransformer(config).to(device)
    target, masked = batch()
    streams = pack_streams(target, masked, pad=PAD, mask=MASK).to(device)
    states = model(Source.of(target.flip(1), PAD).to(device), streams)
    total, terms = joint_loss(states, target.ne(PAD).sum(1).to(device), RELEASE if passes == 2 else PAPER, 0.1)
    total.backward()
    return {**terms, **{name: p.grad for name, p in model.named_parameters()}}


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("implementation", ["native", pytest.param("triton", marks=pytest.mark.slow)])
def test_kernels_equal_the_padded_path(monkeypatch, device, passes, implementation):
    with monkeypatch.context() as plain:
        plain.setattr(native_spans, "supports", lambda q: False)
        plain.setattr(kernels.joint_loss, "_scorer", lambda rows: score_rows)
        expected = gradients(passes, "cpu")
    if implementation == "triton":
        from kernels.attention import triton_spans
        from kernels.joint_loss import triton_rows

        monkeypatch.setattr(attention, "uses_triton", lambda device: True)
        monkeypatch.setattr(kernels.attention, "_implementation", lambda device: triton_spans)
        monkeypatch.setattr(kernels.joint_loss, "_scorer", lambda rows: triton_rows.score_rows)
    ours = gradients(passes, device if implementation == "triton" else "cpu")
    assert ours.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            ours[name].cpu(),
            value,
            rtol=1e-3,
            atol=1e-6 + 1e-4 * float(value.abs().max()),
            msg=lambda m, n=name: f"{n}: {m}",
        )
