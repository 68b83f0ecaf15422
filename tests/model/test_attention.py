"""Ragged attention against torch's own, sentence by sentence; empty cells harm neither outputs nor gradients."""

import pytest
import torch

from janus.model.attention import Attention, View
from janus.model.ragged import Ragged
from kernels.attention.reference import visible


@pytest.fixture
def parts():
    torch.manual_seed(1)
    queries, keys = torch.tensor([0, 0, 0, 1, 2, 2]), torch.tensor([0, 0, 1, 1, 1, 2])
    return Attention(8, 2, 0.0).double(), Ragged(queries, 3), Ragged(keys, 3)


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_equals_multihead_attention(parts, restricted, training):
    ours, queries, keys = parts
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.q_proj.bias, ours.k_proj.bias, ours.v_proj.bias]))
    theirs.out_proj.load_state_dict(ours.out_proj.state_dict())
    asking, answering = torch.randn(6, 8).double(), torch.randn(6, 8).double()
    spans = torch.tensor([[0, 1, 1, 2], [1, 2, 0, 0], [0, 2, 0, 0], [2, 3, 4, 5], [5, 6, 5, 5], [5, 6, 0, 0]]).int()
    spans = spans if restricted else None
    # Both ways of computing, the one with gradients and the fused one, must agree.
    with torch.set_grad_enabled(training):
        out = ours(asking, *ours.keys_values(answering), View(queries, keys, spans))
    for group in range(3):
        mine, other = queries.group == group, keys.group == group
        mask = ~visible(spans, 6)[mine][:, other] if restricted else None
        expected, _ = theirs(asking[mine][None], answering[other][None], answering[other][None], attn_mask=mask)
        torch.testing.assert_close(out[mine], expected[0])


def test_empty_cells_leave_no_nan(parts):
    ours, queries, keys = parts
    asking = torch.randn(6, 8, dtype=torch.double, requires_grad=True)
    answering = torch.randn(6, 8, dtype=torch.double, requires_grad=True)
    ours(asking, *ours.keys_values(answering), View(queries, keys)).sum().backward()
    assert asking.grad.isfinite().all() and answering.grad.isfinite().all()


@pytest.mark.parametrize("gradients", [False, True])
def test_dropout_falls_on_probabilities_and_in_training_alone(gradients):
    """One query that sees 400 keys whose values are one-hot: its answer shows each probability, dropped or scaled."""
    ours = Attention(400, 1, 0.25)
    with torch.no_grad():
        for projection in (ours.q_proj, ours.k_proj, ours.v_proj, ours.out_proj):
            projection.weight.copy_(torch.eye(400))
            projection.bias.zero_()
    layout = Ragged(torch.zeros(400, dtype=torch.long), 1)
    asking, values = torch.zeros(400, 400), torch.eye(400)
    torch.manual_seed(1)
    with torch.set_grad_enabled(gradients):
        still, training = (ours.train(mode)(asking, values, values, View(layout, layout)) for mode in (False, True))
    torch.testing.assert_close(still, torch.full((400, 400), 1 / 400))
    kept = training > 0
    assert float(kept.float().mean()) == pytest.approx(0.75, abs=0.01)
    torch.testing.assert_close(training[kept], torch.full_like(training[kept], 1 / 300), rtol=1e-4, atol=0)
