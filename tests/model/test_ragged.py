"""Rows and grids: the way there and back, wherever the padding lies."""

import torch

from janus.model.ragged import Ragged, Source


def test_there_and_back():
    group = torch.tensor([2, 0, 0, 2, 2, 3])
    layout = Ragged(group, 5)
    rows = torch.arange(12.0).view(6, 2)
    grid = layout.pad(rows, -1)
    assert grid.shape == (5, 3, 2)
    assert grid[0, :, 0].tolist() == [2, 4, -1]
    assert grid[2, :, 0].tolist() == [0, 6, 8]
    assert torch.equal(layout.unpad(grid), rows)
    assert layout.counts().tolist() == [2, 0, 3, 1, 0] and layout.bounds().tolist() == [0, 2, 2, 5, 6, 6]
    assert layout.filled().sum(1).tolist() == [2, 0, 3, 1, 0]


def test_a_source_does_not_know_its_padding():
    left = Source.of(torch.tensor([[1, 1, 0, 7, 2], [0, 5, 6, 7, 2]]), 1)
    right = Source.of(torch.tensor([[0, 7, 2, 1, 1], [0, 5, 6, 7, 2]]), 1)
    assert torch.equal(left.token, right.token) and torch.equal(left.position, right.position)
    assert torch.equal(left.layout.slot, right.layout.slot)
    assert left.position.tolist() == [0, 1, 2, 0, 1, 2, 3, 4]


def test_gradients_flow_through_the_grid():
    layout = Ragged(torch.tensor([1, 0, 1]), 2)
    rows = torch.ones(3, 2, requires_grad=True)
    (layout.pad(rows) * 3).sum().backward()
    assert torch.equal(rows.grad, torch.full((3, 2), 3.0))


def test_no_groups_and_no_rows():
    """An empty batch is a grid without cells; groups without rows are rows of the fill."""
    nobody = Ragged(torch.zeros(0, dtype=torch.long), 0)
    assert nobody.width == 0 and nobody.pad(torch.zeros(0, 4)).shape == (0, 0, 4)
    idle = Ragged(torch.zeros(0, dtype=torch.long), 3)
    assert idle.width == 0 and idle.counts().tolist() == [0, 0, 0] and idle.bounds().tolist() == [0, 0, 0, 0]
    assert idle.unpad(idle.pad(torch.zeros(0, 4))).shape == (0, 4)


def test_empty_cells_are_zero_unless_told():
    layout = Ragged(torch.tensor([0, 1, 1]), 2)
    assert layout.pad(torch.ones(3)).tolist() == [[1, 0], [1, 1]]
    assert layout.filled().tolist() == [[True, False], [True, True]]


def test_a_source_moves_to_another_device():
    moved = Source.of(torch.tensor([[0, 7, 2]]), 1).to("meta")
    assert {x.device.type for x in (moved.token, moved.position, moved.layout.group)} == {"meta"}
    assert moved.layout.groups == 1
