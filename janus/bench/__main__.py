"""`python -m janus.bench`: run the benchmarks, write results/bench/<part>-<device>.json and a table of all of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from janus.bench import attention, decoding, loss, preparation, report, training
from janus.bench.goals import Goal
from janus.bench.workshop import IWSLT, TINY
from janus.console import tolerate_any_encoding
from janus.errors import InputError
from janus.files import iter_lines, read_json, require_writable, write_json, write_lines
from janus.records.provenance import Stopwatch, provenance

_PARTS = ("training", "decoding", "attention", "loss", "preparation")
# Hours at its largest size, and nothing in it that a GPU changes.
_ONLY_WHEN_ASKED = ("preparation",)
_COMMAND = "python -m janus.bench"


def main(words: Sequence[str] | None = None) -> int:
    """Run the parts asked for; returns 0, or 1 with one line on stderr where an option is bad."""
    tolerate_any_encoding()
    options = _parser().parse_args(words)
    try:
        _run(options)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--output", type=Path, default=Path("results/bench"), metavar="DIR")
    parser.add_argument(
        "--only",
        choices=_PARTS,
        action="append",
        help="this part alone; may be given again (`preparation` runs only so)",
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each row takes its turn")
    parser.add_argument("--batches", type=int, default=2, help="batches a row trains on in each turn")
    parser.add_argument("--tokens", type=int, default=IWSLT.tokens, help="target tokens of a training batch")
    parser.add_argument("--threads", type=int, help="processor threads (all by default)")
    parser.add_argument(
        "--pairs", type=int, action="append", help="preparation: a size of corpus; may be given again (three sizes)"
    )
    parser.add_argument("--tiny", action="store_true", help="toy sizes, to try the benchmarks themselves")
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("no usable GPU", where="--device", fix="give cpu, or run where there is one")
    require_writable(options.output / "table.md")
    kind = torch.device(options.device).type
    with _threads(options.threads), tqdm(desc="bench", unit="turn", disable=None) as bar:
        for part in options.only or [part for part in _PARTS if part not in _ONLY_WHEN_ASKED]:
            watch = Stopwatch()
            results, goals = _MEASURE[part](options, kind, bar.update)
            facts = dict(part=part, threads=torch.get_num_threads(), rounds=options.rounds, tiny=options.tiny)
            facts |= dict(results=results, goals=[{**vars(goal), "met": goal.met} for goal in goals])
            write_json(_path(options.output, part, kind), provenance(watch=watch, device=options.device, **facts))
    table = _table(options.output, kind)
    write_lines(options.output / f"bench-{kind}.md", table.splitlines())
    print(table)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Compute on `count` processor threads within the block; None keeps the current number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _path(folder: Path, part: str, kind: str) -> Path:
    return folder / f"{part}-{kind}.json"


def _table(folder: Path, kind: str) -> str:
    """Every part that was measured on a device of this kind, also by earlier calls, and the goals of all."""
    paths = [_path(folder, part, kind) for part in _PARTS]
    records = [read_json(path) for path in paths if path.is_file()]
    sections = [_REPORT[record["part"]](record["results"], report.measured_on(record), kind) for record in records]
    return "\n".join(["# Benchmarks", "", *sections, report.goals_report(report.goals_of(records))])


def _training(options: argparse.Namespace, kind: str, progress: Any) -> tuple[Any, list[Goal]]:
    scale = TINY if options.tiny else replace(IWSLT, tokens=options.tokens)
    plan = training.Plan(scale, options.device, options.batches, options.rounds, _has_bfloat16(kind))
    results = training.measure_training(plan, progress)
    results["peaks"] = training.measure_memory(plan, progress)
    return results, training.training_goals(results["rows"], kind, _COMMAND)


def _decoding(options: argparse.Namespace, kind: str, progress: Any) -> tuple[Any, list[Goal]]:
    rows = decoding.measure_decoding(TINY if options.tiny else IWSLT, options.device, options.rounds, progress)
    return rows, decoding.decoding_goals(rows)


def _attention(options: argparse.Namespace, kind: str, progress: Any) -> tuple[Any, list[Goal]]:
    scale = TINY if options.tiny else IWSLT
    rows = attention.measure_attention(scale, options.device, options.rounds, progress)
    return rows, attention.attention_goals(rows, kind, _COMMAND)


def _loss(options: argparse.Namespace, kind: str, progress: Any) -> tuple[Any, list[Goal]]:
    plan = loss.LossPlan(options.device, options.rounds)
    if kind == "cuda":
        plan = replace(plan, whole_tokens=plan.tokens)
    if options.tiny:
        plan = replace(plan, tokens=64, whole_tokens=32, words=50, width=8)
    results = loss.measure_loss(plan, progress)
    return results, loss.loss_goals(results, kind, _COMMAND)


def _preparation(options: argparse.Namespace, kind: str, progress: Any) -> tuple[Any, list[Goal]]:
    sizes, merges = options.pairs or preparation.SIZES, preparation.MERGES
    if options.tiny:
        sizes, merges = (50, 100), 20
    return preparation.measure_preparation(sizes, progress, merges=merges, workers=torch.get_num_threads()), []


def _has_bfloat16(kind: str) -> bool:
    """Whether the machine multiplies in bfloat16; elsewhere it would be imitated, many times slower."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    words = {word for line in iter_lines("/proc/cpuinfo") for word in line.split()}
    return bool(words & {"avx512_bf16", "amx_bf16", "bf16"})


_MEASURE = {
    "training": _training,
    "decoding": _decoding,
    "attention": _attention,
    "loss": _loss,
    "preparation": _preparation,
}
_REPORT = {
    "training": report.training_report,
    "decoding": report.decoding_report,
    "attention": report.attention_report,
    "loss": report.loss_report,
    "preparation": report.preparation_report,
}


if __name__ == "__main__":
    sys.exit(main())
