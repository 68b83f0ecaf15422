"""The DAG loss of a batch of graphs, its best alignment, and a batched matrix product of the same size.

`python -m kernels.bench.dag` prints the time of each relative to the product, and the memory that it adds at its peak.
Axes: B sentences, L vertices of each, T labels.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.bench.timing import Timing, in_turns
from kernels.dag import Graphs, best_alignment, dag_log_likelihood

# 64 targets of 30 words from sources of as many, at 8 vertices for a source word.
SENTENCES, LABELS, FACTOR = 64, 30, 8


@dataclass(frozen=True)
class Problem:
    """match: [B L, T]. links: [B L, L]."""

    match: Tensor
    links: Tensor
    graphs: Graphs

    @classmethod
    def draw(cls, device: str, *, sentences: int = SENTENCES, labels: int = LABELS, factor: int = FACTOR) -> Problem:
        """Random scores, as of a model that has learned little."""
        generator = torch.Generator(device).manual_seed(labels)
        vertices = labels * factor
        match = torch.randn(sentences * vertices, labels, device=device, generator=generator) - 8
        links = torch.randn(sentences * vertices, vertices, device=device, generator=generator)
        vertex = torch.arange(vertices, device=device)
        later = (vertex > vertex[:, None]).repeat(sentences, 1)
        links = links.masked_fill(~later, -1e9).log_softmax(1).masked_fill(~later, -torch.inf)
        sizes = (torch.full((sentences,), size, device=device) for size in (vertices, labels))
        return cls(match.requires_grad_(), links.requires_grad_(), Graphs(*sizes))


def loss(problem: Problem) -> tuple[Tensor, ...]:
    """d_match and d_links from the forward and backward pass of the operator."""
    total = dag_log_likelihood(problem.match, problem.links, problem.graphs).sum()
    return torch.autograd.grad(total, (problem.match, problem.links))


def alignment(problem: Problem) -> Tensor:
    """The label of each vertex on the best path."""
    return best_alignment(problem.match, problem.links, problem.graphs)[0]


@torch.no_grad()
def product(problem: Problem) -> Tensor:
    """[B, T, L] times [B, L, L]: the multiply-adds of all steps, if every vertex led to every other."""
    sentences = problem.graphs.labels.numel()
    # from_vertices: [B, L, T]; steps: [B, L, L]
    from_vertices, steps = (x.unflatten(0, (sentences, -1)) for x in (problem.match, problem.links))
    return from_vertices.transpose(1, 2) @ steps


WAYS: dict[str, Callable[[Problem], object]] = {"product": product, "loss": loss, "alignment": alignment}


def measure_time(device: str, rounds: int, repeats: int) -> dict[str, Timing]:
    """Seconds of each way, in turns."""
    problem = Problem.draw(device)
    calls = {name: lambda _, way=way: way(problem) for name, way in WAYS.items()}
    return in_turns(calls, device=device, rounds=rounds, repeats=repeats)


def peak_mebibytes(name: str, device: str) -> float:
    """The memory that a way adds to that of its inputs, in a process of its own on a CPU."""
    if device == "cpu":
        words = [sys.executable, "-m", "kernels.bench.dag", "--peak", name]
        return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    problem = Problem.draw(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    WAYS[name](problem)
    return (torch.cuda.max_memory_allocated(device) - before) / 2**20


def _grown(name: str) -> float:
    """The growth of this process's peak memory during a way, after one on a small problem that loads the code."""
    WAYS[name](Problem.draw("cpu", sentences=1, labels=2))
    problem = Problem.draw("cpu")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Drawing the problem has freed memory that would hide that of the way; it is filled first.
    held = torch.ones(max(0, before - _resident()) * 256)
    before = max(before, _resident())
    WAYS[name](problem)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    del held
    return (peak - before) / 1024


def _resident() -> int:
    """The memory that this process holds now, in KiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


def main() -> None:
    """Print one line a way: its time as a multiple of the product's, with the extremes of the rounds, and memory."""
    parser = argparse.ArgumentParser(prog="python -m kernels.bench.dag", description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--peak", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak:
        print(_grown(options.peak))
        return
    times = measure_time(options.device, options.rounds, options.repeats)
    for name, timing in times.items():
        ratios = sorted(one / base for one, base in zip(timing.seconds, times["product"].seconds))
        memory = peak_mebibytes(name, options.device)
        middle = ratios[len(ratios) // 2]
        print(f"{name:10} {middle:6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) times the product, {memory:6.1f} MiB")


if __name__ == "__main__":
    main()
