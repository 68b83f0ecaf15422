"""Self-attention of a joint batch: the span kernel against what else there is.

Rivals: one dense mask for padded sentences under torch's fused attention; FlexAttention over the same packed rows,
with its block mask (made anew for each batch, since lengths and masks are new in each); the layout of the authors'
release, whose mask a Python loop over sentences fills. All compute the same; `tests/bench` checks it.
Axes: P decoder rows, C of them content, H heads, E head size, B sentences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from janus.bench.batches import draw_batches, read_lengths
from janus.bench.goals import Goal
from janus.bench.workshop import Scale
from janus.model.attention import View
from janus.model.ragged import Ragged
from janus.model.rows import DecoderRows
from kernels.attention import span_attention
from kernels.bench.timing import in_turns


@dataclass(frozen=True)
class Problem:
    """q: [P, H, E]. k, v: [C, H, E]. view: who sees whom."""

    q: Tensor
    k: Tensor
    v: Tensor
    view: View

    @classmethod
    def of(cls, streams: DecoderRows, heads: int, size: int, dtype: torch.dtype) -> Problem:
        """Random rows for the streams of a batch, on their device."""
        device = streams.kind.device
        generator = torch.Generator(device).manual_seed(1)
        rows = streams.kind.numel()
        shapes = [(rows, heads, size), (streams.content, heads, size), (streams.content, heads, size)]
        q, k, v = (
            torch.randn(*shape, device=device, generator=generator).to(dtype).requires_grad_() for shape in shapes
        )
        everyone = Ragged(streams.sentence, streams.sentences)
        content = Ragged(streams.sentence[: streams.content], streams.sentences)
        second_part = torch.arange(rows, device=device) >= streams.content
        return cls(q, k, v, View(everyone, content, streams.spans, second_part))


def measure_attention(
    scale: Scale, device: str, rounds: int, progress: Callable[[], object] | None = None
) -> list[dict[str, Any]]:
    """Rows with `way`, seconds of a forward and backward pass over one batch (median, spread)."""
    on_gpu = torch.device(device).type == "cuda"
    streams = draw_batches(1, scale.tokens, scale.words, read_lengths())[0].packed_streams(query_position="own")
    dtype = torch.bfloat16 if on_gpu else torch.float32
    problem = Problem.of(streams.to(device), scale.heads, scale.dimension // scale.heads, dtype)
    ours = "spans (kernel)" if on_gpu else "spans (C++)"
    ways: dict[str, Callable[[Problem], Tensor]] = {ours: spans, "dense mask": dense, "release's layout": release}
    if on_gpu:
        compiled = torch.compile(flex_attention, dynamic=True)
        ways["FlexAttention"] = lambda problem: flex(problem, compiled)
    else:
        ways["padded, two products and a softmax"] = padded
    calls = {name: lambda _, way=way: _forward_backward(way, problem) for name, way in ways.items()}
    timings = in_turns(calls, device=device, rounds=rounds, repeats=3, progress=progress)
    return [dict(way=name, seconds=t.median, spread=t.spread) for name, t in timings.items()]


def attention_goals(rows: list[dict[str, Any]], kind: str, command: str) -> list[Goal]:
    """The kernel against FlexAttention and the dense mask; both are goals of a GPU."""
    seconds = {row["way"]: row["seconds"] for row in rows}
    goals = []
    for rival, factor in (("FlexAttention", 2), ("dense mask", 4)):
        name = f"GPU: {rival} over the span kernel"
        if kind == "cuda":
            goals.append(Goal(name, seconds[rival] / seconds["spans (kernel)"], at_least=factor))
        else:
            goals.append(Goal(name, None, at_least=factor, command=f"{command} --device cuda --only attention"))
    return goals


def padded(problem: Problem) -> Tensor:
    """Padded sentences, two products and a softmax: this engine's way in types that its operator lacks."""
    _, heads, size = problem.q.shape
    flat = [x.flatten(1) for x in (problem.q, problem.k, problem.v)]
    return problem.view.attend_padded(*flat, heads, 0.0).unflatten(1, (heads, size))


def spans(problem: Problem) -> Tensor:
    """Ours: packed rows, no mask."""
    view = problem.view
    return span_attention(problem.q, problem.k, problem.v, view.spans, view.query_spans)


def dense(problem: Problem) -> Tensor:
    """Padded sentences, a mask [B, Q, K] computed at once, torch's fused attention."""
    q, k, v = _padded(problem)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=problem.view.visible[:, None])
    return problem.view.queries.unpad(out.transpose(1, 2))


def flex(problem: Problem, attend: Callable[..., Tensor] = flex_attention) -> Tensor:
    """FlexAttention over the packed rows; its block mask is part of the cost."""
    start, end, second, second_end = problem.view.spans.unbind(1)

    def sees(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        first = (key >= start[query]) & (key < end[query])
        return first | ((key >= second[query]) & (key < second_end[query]))

    mask = create_block_mask(sees, None, None, problem.q.size(0), problem.k.size(0), device=problem.q.device)
    q, k, v = (x.transpose(0, 1)[None] for x in (problem.q, problem.k, problem.v))
    return attend(q, k, v, block_mask=mask)[0].transpose(0, 1)


def release(problem: Problem) -> Tensor:
    """Padded sentences; a loop over them fills the mask; scores, softmax and values as separate products."""
    view = problem.view
    q, k, v = _padded(problem)
    mask = torch.zeros(q.size(0), q.size(2), k.size(2), dtype=torch.bool, device=q.device)
    for sentence in range(q.size(0)):
        own = view.spans[view.queries.group == sentence]
        first = int((view.keys.group < sentence).sum())
        for place, (start, end, second, second_end) in enumerate((own - first).tolist()):
            mask[sentence, place, max(start, 0) : max(end, 0)] = True
            mask[sentence, place, max(second, 0) : max(second_end, 0)] = True
    # Padded queries see everything: a softmax over nothing is NaN.
    mask |= ~view.queries.filled()[:, :, None]
    scores = (q @ k.transpose(-2, -1)) * q.size(-1) ** -0.5
    out = scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1) @ v
    return view.queries.unpad(out.transpose(1, 2))


def _padded(problem: Problem) -> list[Tensor]:
    """Queries, keys and values as [B, H, W, E]."""
    layouts = (problem.view.queries, problem.view.keys, problem.view.keys)
    return [layout.pad(x).transpose(1, 2) for layout, x in zip(layouts, (problem.q, problem.k, problem.v))]


def _forward_backward(way: Callable[[Problem], Tensor], problem: Problem) -> None:
    out = way(problem)
    torch.autograd.grad(out, (problem.q, problem.k, problem.v), torch.ones_like(out))
