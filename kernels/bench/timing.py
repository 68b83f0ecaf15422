"""Timing on a machine whose speed drifts: calls are timed in turns, so that a slow minute affects all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds per call, one entry per round."""

    seconds: list[float]

    @property
    def median(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """The fastest and the slowest round."""
        return min(self.seconds), max(self.seconds)


def in_turns(
    calls: Mapping[str, Callable[[int], object]],
    *,
    device: str,
    rounds: int,
    repeats: int,
    progress: Callable[[], object] | None = None,
) -> dict[str, Timing]:
    """Time each of `calls` in each of `rounds`: first call(0) untimed, then the mean of call(0) … call(repeats - 1).

    The untimed call warms memory and caches up. One untimed round comes first, in which kernels are compiled.
    progress: called after each measurement.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            call(0)
            time_one = elapsed(partial(_repeat, call, repeats), device) / repeats
            if number:
                seconds[name].append(time_one)
            if progress:
                progress()
    return {name: Timing(values) for name, values in seconds.items()}


def _repeat(call: Callable[[int], object], repeats: int) -> None:
    for number in range(repeats):
        call(number)


def elapsed(call: Callable[[], object], device: str) -> float:
    """Seconds of one call, including its work on a GPU."""
    if not device.startswith("cuda"):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    first.record()
    call()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) / 1000


def square_product(device: str, dtype: torch.dtype, side: int) -> Callable[[int], torch.Tensor]:
    """A matrix product of side ** 3 multiply-adds: the upper bound that benchmarks are compared with."""
    generator = torch.Generator(device).manual_seed(1)
    one, other = (torch.randn(side, side, device=device, generator=generator).to(dtype) for _ in range(2))
    out = torch.empty_like(one)
    return lambda _: torch.mm(one, other, out=out)
