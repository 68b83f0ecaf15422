"""Operators amid poison, in C++, PyTorch and Triton: NaN in every byte that is not theirs to read.

Inputs lie inside of larger buffers of NaN, which must stay as they are; whatever an operator allocates holds NaN until
it writes there (torch fills it so in its deterministic mode). Odd lengths; values and every gradient are compared with
float64 references.
"""

import pytest
import torch
from torch.utils import deterministic

import kernels.attention
import kernels.joint_loss
import kernels.label_scores
from janus.model import attention
from janus.model.attention import View
from janus.model.ragged import Ragged
from janus.model.streams import pack_streams
from kernels.attention import native_spans, span_attention, triton_spans
from kernels.attention.reference import span_attention_reference, visible
from kernels.joint_loss import joint_loss, native_rows, rows, triton_rows
from kernels.joint_loss.reference import joint_loss_reference
from kernels.label_scores import label_scores
from kernels.label_scores.reference import label_scores_reference

PAD, MASK = 1, 3
PAIRS = [(2, 1, 3.0), (0, 1, 1.0), (2, 0, 1.0)]
PARTS = [{"ar", "nar", "aux"}, {"ar"}, {"nar"}, {"aux"}, {"ar", "nar"}]


@pytest.fixture(autouse=True)
def poisoned_allocations(monkeypatch):
    """torch.empty and its kind give NaN, or the largest integer."""
    monkeypatch.setattr(deterministic, "fill_uninitialized_memory", True)
    torch.use_deterministic_algorithms(True)
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


class Poison:
    """Puts tensors into buffers of NaN (of 2^30 for integers), and tells whether all around them is intact."""

    margin = 700

    def __init__(self, device: str):
        self.device, self.buffers = device, []

    def around(self, x: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
        dtype = dtype or x.dtype
        value = float("nan") if dtype.is_floating_point else 2**30
        buffer = torch.full((x.numel() + 2 * self.margin,), value, dtype=dtype, device=self.device)
        self.buffers.append((buffer, x.numel()))
        return buffer[self.margin : self.margin + x.numel()].view(x.shape).copy_(x)

    def intact(self) -> bool:
        ends = [part for b, n in self.buffers for part in (b[: self.margin], b[self.margin + n :])]
        return all(bool((end.isnan() if end.is_floating_point() else end.eq(2**30)).all()) for end in ends)


def close(ours: list[torch.Tensor], theirs: list[torch.Tensor], tolerance: float) -> None:
    for one, other in zip(ours, theirs, strict=True):
        scale = max(1.0, float(other.detach().abs().max())) if other.numel() else 1.0
        torch.testing.assert_close(one.double().cpu(), other, rtol=tolerance, atol=tolerance * scale)


def differentiate(out: torch.Tensor, weights: torch.Tensor, leaves: list[torch.Tensor]) -> list[torch.Tensor]:
    return [out, *torch.autograd.grad(out, leaves, weights)]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Sentences of 11, 2, 3, 9 and 8 places; one has nothing hidden, one everything."""
    generator = torch.Generator().manual_seed(2)
    target = torch.randint(4, 40, (5, 11), generator=generator)
    lengths, place = torch.tensor([11, 2, 3, 9, 8]), torch.arange(11)
    target[place >= lengths[:, None]] = PAD
    target[:, 0] = 0
    target[torch.arange(5), lengths - 1] = 2
    inner = (place > 0) & (place < lengths[:, None] - 1)
    masked = (torch.rand(target.shape, generator=generator) < 0.6) & inner
    masked[3], masked[4] = False, inner[4]
    return target, masked


def view_of(parts: set[str], some: bool) -> View:
    """Who sees whom in a batch, for all rows or for every third."""
    streams = pack_streams(*batch(), pad=PAD, mask=MASK, **{name: name in parts for name in ("ar", "nar", "aux")})
    read = torch.arange(streams.kind.numel())[:: 3 if some else 1]
    content = Ragged(streams.sentence[: streams.content], streams.sentences)
    second_part = read >= streams.content
    return View(Ragged(streams.sentence[read], streams.sentences), content, streams.spans[read], second_part)


def source_view() -> View:
    """Cross-attention: canvases of unequal length over sources of unequal length, no spans."""
    return View(Ragged(torch.tensor([0, 0, 0, 1, 2, 2, 2]), 3), Ragged(torch.tensor([0, 1, 1, 1, 1, 1, 2, 2]), 3))


VIEWS = {"+".join(sorted(parts)): (parts, False) for parts in PARTS} | {"some": (PARTS[0], True)}


@pytest.fixture(params=[*VIEWS, "source"])
def view(request) -> View:
    return source_view() if request.param == "source" else view_of(*VIEWS[request.param])


def attention_inputs(view: View, width: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(width)
    shapes = [view.queries.group.numel(), view.keys.group.numel(), view.keys.group.numel()]
    inputs = [torch.randn(n, width, generator=generator, dtype=torch.float64) for n in shapes]
    return [*inputs, torch.randn(shapes[0], width, generator=generator, dtype=torch.float64)]


def expected_attention(view: View, inputs: list[torch.Tensor], heads: int) -> list[torch.Tensor]:
    *leaves, weights = inputs
    leaves = [x.clone().requires_grad_() for x in leaves]
    q, k, v = (x.unflatten(1, (heads, -1)) for x in leaves)
    spans = view.spans
    if spans is None:
        bounds = view.keys.bounds()
        group = view.queries.group
        spans = torch.stack([bounds[group], bounds[group + 1], 0 * group, 0 * group], 1)
    return differentiate(span_attention_reference(q, k, v, spans).flatten(1), weights, leaves)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_attention_on_padded_grids(view, dtype, tolerance):
    exact, poison = attention_inputs(view, 12), Poison("cpu")
    *leaves, weights = (poison.around(x, dtype) for x in exact)
    leaves = [x.requires_grad_() for x in leaves]
    ours = differentiate(view.attend_padded(*leaves, 3, 0.0), weights, leaves)
    expected = expected_attention(view, exact, 3)
    close(ours, expected, tolerance)
    with torch.no_grad():
        fused = view.attend_padded(*leaves, 3, 0.0)
    close([fused], expected[:1], tolerance)
    assert poison.intact()


@pytest.fixture(params=["native", pytest.param("triton", marks=pytest.mark.slow)])
def place(request, monkeypatch, device) -> str:
    """Where tensors lie, after packed rows were given one of their implementations."""
    if request.param == "native":
        return "cpu"
    monkeypatch.setattr(triton_spans, "_TILE", 16)
    monkeypatch.setattr(attention, "uses_triton", lambda device: True)
    monkeypatch.setattr(kernels.attention, "_implementation", lambda device: triton_spans)
    return device


@pytest.mark.parametrize(
    ("heads", "size", "dtype", "tolerance"),
    [(1, 40, torch.float32, 1e-5), (3, 7, torch.float32, 1e-5), (2, 16, torch.bfloat16, 4e-2)],
)
def test_attention_of_packed_rows(place, view, heads, size, dtype, tolerance):
    exact, poison = [x.to(dtype).double() for x in attention_inputs(view, heads * size)], Poison(place)
    *leaves, weights = (poison.around(x, dtype) for x in exact)
    leaves = [x.requires_grad_() for x in leaves]
    assert place != "cpu" or attention.uses_triton(leaves[0].device) or native_spans.supports(leaves[0])
    spans = None if view.spans is None else poison.around(view.spans)
    second_part = None if view.second_part is None else view.second_part.to(place)
    here = View(view.queries.to(place), view.keys.to(place), spans, second_part)
    ours = differentiate(here.attend(*leaves, heads, 0.0), weights, leaves)
    close(ours, expected_attention(view, exact, heads), tolerance)
    assert poison.intact()


def test_query_spans_hold_every_row_that_sees_a_key(view):
    """The backward kernel walks only over them; the first interval lies before the second, as it relies on."""
    keys = view.keys.group.numel()
    seen = visible(view._all_spans, keys)
    row = torch.arange(len(seen))[:, None]
    first, last, second, end = view.query_spans.T
    held = ((row >= first) & (row < last)) | ((row >= second) & (row < end))
    assert not (seen & ~held).any()
    assert int(last.max()) <= int(second.min()) and int(end.max()) <= len(seen)


def test_query_spans_are_poisoned_too(place):
    view, poison = view_of(PARTS[0], False), Poison(place)
    exact = attention_inputs(view, 32)
    *leaves, weights = (poison.around(x, torch.float32) for x in exact)
    leaves = [x.requires_grad_() for x in leaves]
    q, k, v = (x.unflatten(1, (2, -1)) for x in leaves)
    out = span_attention(q, k, v, poison.around(view.spans), poison.around(view.query_spans.int())).flatten(1)
    close(differentiate(out, weights, leaves), expected_attention(view, exact, 2), 1e-5)
    assert poison.intact()


@pytest.fixture(params=["torch", "native", pytest.param("triton", marks=pytest.mark.slow)])
def scorer(request, monkeypatch) -> str:
    """An implementation of the losses of a chunk, with blocks and chunks of few rows."""
    monkeypatch.setattr(kernels.joint_loss, "_CHUNK", dict.fromkeys(("cpu", "cuda"), 8 * 4 * 53))
    monkeypatch.setattr(rows, "_BLOCK", 3 * 53)
    monkeypatch.setattr(triton_rows, "_BLOCK", 32)
    module = {"torch": rows, "native": native_rows, "triton": triton_rows}[request.param]
    monkeypatch.setattr(kernels.joint_loss, "_scorer", lambda _: module.score_rows)
    return request.param


@pytest.mark.parametrize(
    ("number", "tokens", "pairs"),
    [(37, 7, PAIRS), (9, 3, PAIRS), (13, 5, [(1, 0, 0.5)]), (11, 4, []), (7, 0, PAIRS), (1, 0, [])],
)
@pytest.mark.parametrize("words", [53, 65])
@pytest.mark.parametrize("learns", [True, False])
def test_the_joint_loss(scorer, device, number, tokens, pairs, words, learns):
    generator = torch.Generator().manual_seed(number)
    exact = [torch.randn(n, 11, generator=generator, dtype=torch.float64) for n in (number, words)]
    labels = torch.randint(0, words, (number,), generator=generator)
    weights = torch.rand(number, generator=generator, dtype=torch.float64)
    poison = Poison(device if scorer == "triton" else "cpu")
    dtype, tolerance = (torch.float64, 1e-11) if scorer == "torch" else (torch.float32, 2e-5)
    ours = [poison.around(x, dtype) for x in (*exact, weights)]
    leaves, theirs = ([x.requires_grad_(learns) for x in side] for side in (ours[:2], exact))
    results = list(joint_loss(*leaves, poison.around(labels), ours[2], tokens, pairs, 0.1))
    expected = list(joint_loss_reference(*theirs, labels, weights, tokens, pairs, 0.1))
    if learns:
        results += torch.autograd.grad(results[0], leaves)
        expected += torch.autograd.grad(expected[0], theirs)
    close(results, expected, tolerance)
    assert poison.intact()


@pytest.mark.parametrize("step", [1, 4, 100])
def test_label_scores_amid_poison(monkeypatch, device, step):
    """In chunks of so many rows; sentences of 3, 1 and 5 labels."""
    monkeypatch.setattr(kernels.label_scores, "_CHUNK", dict.fromkeys(("cpu", "cuda"), 4 * 29 * step))
    generator = torch.Generator().manual_seed(step)
    hidden, vocabulary = (torch.randn(n, 7, generator=generator, dtype=torch.float64) for n in (11, 29))
    sentence = torch.randint(0, 3, (11,), generator=generator)
    labels = torch.tensor([[4, 28, 0, -1, -1], [9, -1, -1, -1, -1], [5, 6, 7, 8, 1]])
    poison = Poison(device)
    inputs = [poison.around(x, torch.float32).requires_grad_() for x in (hidden, vocabulary)]
    inputs += [poison.around(x) for x in (sentence, labels)]
    exact = [hidden.requires_grad_(), vocabulary.requires_grad_(), sentence, labels]
    results = []
    for function, leaves in ((label_scores, inputs), (label_scores_reference, exact)):
        outputs = function(*leaves)
        scores = outputs.scores.masked_fill(outputs.scores == -torch.inf, 0)
        total = scores.square().sum() + outputs.mean.square().sum()
        results.append([scores, outputs.mean, outputs.best, *torch.autograd.grad(total, leaves[:2])])
    close(*results, 1e-4)
    assert poison.intact()
