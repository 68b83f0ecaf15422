"""The table of docs/clusters.md, from the plan of config/paper.yaml: `python tests/paper_cost.py` prints it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.config.run_config import load_config
from janus.planning.machine import Machine
from janus.planning.plan import make_plan

ROOT = Path(__file__).resolve().parents[1]
# What the page assumes of an A100: 25 % of its 312 TFLOP/s in half precision.
GFLOPS = 78_000


def trainings() -> list[dict[str, Any]]:
    """Every training of the paper's tier, as `janus plan --gflops 78000` lists them."""
    return make_plan(load_config([ROOT / "config/paper.yaml"]), Machine(GFLOPS), {})["trainings"]


def hours(training: Mapping[str, Any]) -> float:
    """The hours of a training, added over its GPUs."""
    return training["seconds"] / 3600


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """The table of the page, a line a corpus."""
    lines = ["| corpus | trainings | GPUs each | updates each | A100 hours | longest on its GPUs |"]
    lines.append("| :--- | ---: | ---: | ---: | ---: | ---: |")
    for corpus in dict.fromkeys(one["corpus"] for one in found):
        own = [one for one in found if one["corpus"] == corpus]
        gpus, updates = ({one[key] for one in own} for key in ("gpus", "updates"))
        longest, total = max(hours(one) / one["gpus"] for one in own), sum(map(hours, own))
        lines.append(
            f"| {corpus} | {len(own)} | {_range(gpus)} | {_range(updates)} | {total:,.0f} | {longest:,.1f} h |"
        )
    lines.append(f"| all | {len(found)} | | | {sum(map(hours, found)):,.0f} | |")
    return "\n".join(lines)


def _range(numbers: set[int]) -> str:
    return f"{min(numbers):,}" if len(numbers) == 1 else f"{min(numbers):,} to {max(numbers):,}"


if __name__ == "__main__":
    print(table(trainings()))
