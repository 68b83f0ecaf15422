"""`python -m kernels.bench.ctc`: CTC on each sentence's own alphabet, and torch's on the whole vocabulary.

Seconds of forward and backward pass, and bytes at the peak beside the inputs, in turns within one run.
Axes: R rows, D model, V vocabulary, B sentences, T words of a target.
"""

from __future__ import annotations

import argparse
import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.bench.timing import Timing, in_turns
from kernels.ctc import ctc_loss
from kernels.label_scores import label_scores, label_sets

_PAD, _BLANK = 1, 3


@dataclass(frozen=True)
class Problem:
    """hidden: [R, D], the cells of all sentences, equally many each. vocabulary: [V, D]. target: [B, T]."""

    hidden: Tensor
    vocabulary: Tensor
    target: Tensor

    @classmethod
    def draw(
        cls, factor: int, device: str, *, sentences: int = 64, length: int = 30, words: int = 10_000, width: int = 512
    ) -> Problem:
        """Random rows for targets of `length` words and `factor` cells a word."""
        generator = torch.Generator(device).manual_seed(factor)
        hidden = torch.randn(sentences * length * factor, width, device=device, generator=generator)
        vocabulary = torch.randn(words, width, device=device, generator=generator).mul_(2 * width**-0.5)
        target = torch.randint(_BLANK + 1, words, (sentences, length), device=device, generator=generator)
        return cls(hidden.requires_grad_(), vocabulary.requires_grad_(), target)

    def gradients(self, loss: Tensor) -> tuple[Tensor, ...]:
        """d_hidden and d_vocabulary of the loss per row."""
        return torch.autograd.grad(loss.sum() / self.hidden.size(0), (self.hidden, self.vocabulary))


def own_alphabets(problem: Problem) -> tuple[Tensor, ...]:
    """By the operators of this package."""
    sentences, length = problem.target.shape
    sentence = torch.arange(sentences, device=problem.target.device).repeat_interleave(
        problem.hidden.size(0) // sentences
    )
    labels, columns = label_sets(problem.target, _PAD, extra=(_BLANK,))
    scores = label_scores(problem.hidden, problem.vocabulary, sentence, labels).scores
    return problem.gradients(ctc_loss(scores, sentence, columns, torch.full_like(problem.target[:, 0], length)))


def whole_vocabulary(problem: Problem) -> tuple[Tensor, ...]:
    """By torch's operators on all log-probabilities."""
    sentences, length = problem.target.shape
    log_probs = (problem.hidden @ problem.vocabulary.T).log_softmax(1)
    grid = log_probs.view(sentences, -1, log_probs.size(1)).transpose(0, 1)
    cells, lengths = (torch.full((sentences,), size) for size in (grid.size(0), length))
    loss = F.ctc_loss(grid, problem.target, cells, lengths, _BLANK, reduction="none", zero_infinity=True)
    return problem.gradients(loss)


WAYS: dict[str, Callable[[Problem], tuple[Tensor, ...]]] = {
    "own alphabets": own_alphabets,
    "whole vocabulary": whole_vocabulary,
}


def peak(call: Callable[[], object], device: str) -> int:
    """Bytes that a call takes at its peak: of the GPU, or of this process (Linux with glibc)."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    ctypes.CDLL(None).malloc_trim(0)
    # Sets the peak back to what is resident now.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident("VmRSS")
    call()
    return _resident("VmHWM") - before


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def measure(problem: Problem, device: str, rounds: int) -> dict[str, tuple[Timing, int]]:
    """Seconds, and bytes at the peak, of each way."""
    calls = {name: partial(_call, way, problem) for name, way in WAYS.items()}
    timings = in_turns(calls, device=device, rounds=rounds, repeats=1)
    return {name: (timings[name], peak(partial(call, 0), device)) for name, call in calls.items()}


def _call(way: Callable[[Problem], object], problem: Problem, _: int) -> None:
    way(problem)


def main() -> None:
    """Print a line for each factor and way, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--factors", type=int, nargs="+", default=[2, 8], help="cells for each target word")
    parser.add_argument("--words", type=int, default=10_000, help="size of the vocabulary")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for factor in options.factors:
        problem = Problem.draw(factor, options.device, words=options.words)
        measured = measure(problem, options.device, options.rounds)
        for name, (timing, taken) in measured.items():
            low, high = timing.spread
            print(f"factor {factor}, {name}: {timing.median:.3f} s ({low:.3f} to {high:.3f}), {taken >> 20} MiB")
        (ours, our_bytes), (theirs, their_bytes) = (measured[name] for name in WAYS)
        ratios = ours.median / theirs.median, our_bytes / their_bytes
        print(f"factor {factor}, ratio: {ratios[0]:.2f} of the time, {ratios[1]:.2f} of the memory")


if __name__ == "__main__":
    main()
