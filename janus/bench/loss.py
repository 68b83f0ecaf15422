"""Time and memory of the joint loss at BART's vocabulary: in chunks, on whole tensors, its matrix products alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from janus.bench.goals import Goal
from janus.bench.memory import keep_freed_memory, peak_of
from kernels.bench.joint_loss import WAYS, WIDTH, WORDS, Problem
from kernels.bench.timing import Timing, elapsed, in_turns


@dataclass(frozen=True)
class LossPlan:
    """tokens: target tokens of a batch. whole_tokens: as many as whole tensors have room for. words, width: sizes."""

    device: str
    rounds: int
    tokens: int = 16_384
    whole_tokens: int = 1024
    words: int = WORDS
    width: int = WIDTH


def measure_loss(plan: LossPlan, progress: Callable[[], object] | None = None) -> list[dict[str, Any]]:
    """Rows with `way`, its size, seconds of forward and backward pass, and bytes taken beside the inputs."""
    results = []
    for tokens in sorted({plan.whole_tokens, plan.tokens}):
        ways = [way for way in WAYS if way != "whole" or tokens == plan.whole_tokens]
        problem = _draw(plan, tokens)
        _keep_memory(plan)
        calls = {way: _call(way, problem) for way in ways}
        if tokens == plan.whole_tokens:
            timings = in_turns(calls, device=plan.device, rounds=plan.rounds, repeats=1, progress=progress)
        else:
            # Half a minute each on a processor: long enough to be timed once and cold.
            timings = {way: Timing([elapsed(partial(call, 0), plan.device)]) for way, call in calls.items()}
        inputs = peak_of(_draw, plan, tokens, device=plan.device)
        for way in ways:
            peak = peak_of(_run, plan, tokens, way, device=plan.device)
            seconds = timings[way].median
            results.append(
                {
                    "way": way,
                    "tokens": tokens,
                    "words": plan.words,
                    "width": plan.width,
                    "seconds": seconds,
                    "spread": timings[way].spread,
                    "flop_per_second": 2 * problem.multiply_adds / seconds,
                    "bytes": max(peak - inputs, 0),
                }
            )
            if progress:
                progress()
    return results


def loss_goals(results: list[dict[str, Any]], kind: str, command: str) -> list[Goal]:
    """The operator against the matrix products of its size."""
    seconds = {(row["way"], row["tokens"]): row["seconds"] for row in results}
    most = max(tokens for _, tokens in seconds)
    ratio = seconds["chunked", most] / seconds["products", most]
    name = "joint loss over its three matrix products"
    if kind == "cuda":
        return [Goal(f"GPU: {name}", ratio, at_most=1.2)]
    gpu = f"{command} --device cuda --only loss"
    return [Goal(f"GPU: {name} (here {ratio:.2f})", None, at_most=1.2, command=gpu)]


def _call(way: str, problem: Problem) -> Callable[[int], object]:
    return lambda _: WAYS[way](problem)


def _draw(plan: LossPlan, tokens: int) -> Problem:
    return Problem.draw(tokens, plan.device, words=plan.words, width=plan.width)


def _run(plan: LossPlan, tokens: int, way: str) -> None:
    _keep_memory(plan)
    WAYS[way](_draw(plan, tokens))


def _keep_memory(plan: LossPlan) -> None:
    if torch.device(plan.device).type == "cpu":
        keep_freed_memory(True)
