"""Seconds an update, tokens a second, arithmetic achieved and peak memory of every row, all in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from janus.bench.batches import EPOCH_TOKENS
from janus.bench.goals import Goal
from janus.bench.memory import peak_of, return_freed_memory
from janus.bench.systems import SYSTEMS, System, ladder, multiply_adds, prepare_update
from janus.bench.workshop import Scale, Workshop
from kernels.bench.timing import in_turns, square_product

_SIDE = {"cpu": 2048, "cuda": 8192}
_PAPER_EPOCHS = 170


@dataclass(frozen=True)
class Plan:
    """device: cpu or cuda. batches: how many each round trains on. rounds: visits to each row."""

    scale: Scale
    device: str
    batches: int
    rounds: int
    bfloat16: bool

    @property
    def kind(self) -> str:
        """`cpu` or `cuda`."""
        return torch.device(self.device).type


def measure_training(plan: Plan, progress: Callable[[], object] | None = None) -> dict[str, Any]:
    """Rows by name, the matrix ceilings in FLOP/s, and the batches' size; see `row` below for the columns."""
    shop = Workshop(plan.scale, plan.device, plan.batches)
    systems = rows_of(plan)
    calls: dict[str, Callable[[int], object]] = {s.name: prepare_update(s, shop) for s in systems}
    types = {s.autocast or torch.float32 for s in systems}
    side = min(_SIDE[plan.kind], 64 * plan.scale.dimension)
    calls |= {f"ceiling {dtype}": square_product(plan.device, dtype, side) for dtype in types}

    def after_visit() -> None:
        if plan.kind == "cpu":
            return_freed_memory()
        if progress:
            progress()

    timings = in_turns(calls, device=plan.device, rounds=plan.rounds, repeats=plan.batches, progress=after_visit)
    ceilings = {dtype: 2 * side**3 / timings[f"ceiling {dtype}"].median for dtype in types}
    tokens = sum(batch.tokens for batch in shop.drawn) / plan.batches
    rows = {}
    for system in systems:
        timing = timings[system.name]
        needed = 2 * multiply_adds(system, shop) / plan.batches
        rows[system.name] = {
            "label": system.label,
            "seconds": timing.median,
            "spread": timing.spread,
            "tokens_per_second": tokens / timing.median,
            "necessary_flop": needed,
            "flop_per_second": needed / timing.median,
            "share_of_ceiling": needed / timing.median / ceilings[system.autocast or torch.float32],
            "epochs_minutes": _PAPER_EPOCHS * EPOCH_TOKENS / tokens * timing.median / 60,
            "rounds": timing.seconds,
        }
    return {
        "rows": rows,
        "ceilings": {str(dtype).removeprefix("torch."): value for dtype, value in ceilings.items()},
        "ceiling_side": side,
        "tokens": tokens,
        "sentences": [batch.target.size(0) for batch in shop.drawn],
        "parameters": sum(p.numel() for p in shop.model("janus").parameters()),
    }


def measure_memory(plan: Plan, progress: Callable[[], object] | None = None) -> dict[str, int]:
    """Peak bytes of each row, from two updates in a fresh process; `nothing` is a process that only imports."""
    peaks = {"nothing": peak_of(_nothing, device=plan.device)} if plan.kind == "cpu" else {}
    for system in rows_of(plan):
        peaks[system.name] = peak_of(_two_updates, plan, system.name, device=plan.device)
        if progress:
            progress()
    return peaks


def rows_of(plan: Plan) -> list[System]:
    """The systems, the ladder, and in bfloat16 the systems of this engine; each row once."""
    rows = {system.name: system for system in SYSTEMS}
    rows |= {system.name: system for system in ladder(plan.device) if system.name not in rows}
    if plan.bfloat16:
        ours = [system for name, system in rows.items() if not name.startswith("ladder-") and "fairseq" not in name]
        rows |= {system.name: system for system in (row.in_bfloat16() for row in ours)}
    return list(rows.values())


def training_goals(rows: dict[str, Any], kind: str, command: str) -> list[Goal]:
    """The project's goals for training speed and memory; a goal that is about another device stays open."""

    def ratio(slow: str, fast: str) -> float | None:
        return rows[slow]["seconds"] / rows[fast]["seconds"] if slow in rows and fast in rows else None

    on_gpu = f"{command} --device cuda --only training"
    share = rows.get("janus-paper-bfloat16", {}).get("share_of_ceiling")
    goals = [
        Goal("JANUS (paper) over CMLM without a query stream", ratio("janus-paper", "cmlm"), at_most=2.7),
        Goal("the release's step over JANUS (paper)", ratio("ladder-step", "janus-paper"), at_least=1.8),
    ]
    if kind == "cpu":
        name = "the same, freed memory kept in both"
        goals.append(Goal(name, ratio("ladder-memory", "janus-paper"), at_least=1.8))
    name = "GPU: JANUS (paper) in bfloat16, share of the matrix ceiling"
    goals.append(Goal(name, share if kind == "cuda" else None, at_least=0.35, command=on_gpu))
    return goals


def _two_updates(plan: Plan, name: str) -> None:
    [system] = [system for system in rows_of(plan) if system.name == name]
    update = prepare_update(system, Workshop(plan.scale, plan.device, plan.batches))
    for _ in range(2):
        for i in range(plan.batches):
            update(i)


def _nothing() -> None:
    """What Python and the libraries take by themselves."""
