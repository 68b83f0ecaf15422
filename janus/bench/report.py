"""The benchmarks' results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from janus.bench.decoding import BEAM, WORDS
from janus.bench.goals import Goal
from janus.bench.systems import ladder
from janus.report.csvfile import to_markdown


def measured_on(record: Mapping[str, Any]) -> str:
    """Where and how a part was measured."""
    facts = f"{record['device']}, {record['threads']} threads, torch {record['versions']['torch']}"
    return f"Measured on {facts}; median of {record['rounds']} rounds."


def training_report(results: Mapping[str, Any], origin: str, kind: str) -> str:
    """Systems, then the ladder from the release's step to ours on a device of that kind."""
    rows, steps = results["rows"], [system for system in ladder(kind) if system.name in results["rows"]]
    systems = [name for name in rows if not name.startswith("ladder-") and name != "janus-paper-fused"]
    ceilings = ", ".join(f"{value / 1e9:,.0f} GFLOP/s in {name}" for name, value in results["ceilings"].items())
    nothing = results.get("peaks", {}).get("nothing")
    lines = [
        "## Training",
        "",
        origin,
        f"{results['parameters'] / 1e6:.1f} M parameters; {results['tokens']:,.0f} target tokens a batch on average, "
        f"batches of {', '.join(map(str, results['sentences']))} sentences, made before the clock starts. Arithmetic: "
        "the multiply-adds that the losses need at least (two operations each), a second, and its share of "
        f"{results['ceiling_side']} x {results['ceiling_side']} matrix products on this machine: {ceilings}.",
        "Peak memory: of a process that does nothing else"
        + (f"; {nothing / 2**30:.2f} GiB of it are Python and the libraries." if nothing else "."),
        "",
        _training_table({name: (_label(rows[name]["label"]), None) for name in systems}, results),
        "What each measure bought, from the release's step to ours and beyond:",
        "",
        _training_table(_gains(steps, rows), results),
    ]
    return "\n".join(lines)


def _label(label: str) -> str:
    """The name of a row: a step of the ladder that is listed among the systems builds on JANUS (paper)."""
    return f"JANUS (paper) {label}" if label.startswith("+") else label


def _gains(steps: Sequence[Any], rows: Mapping[str, Any]) -> dict[str, tuple[str, float | None]]:
    """Label of each step, and how many times faster it is than the one before."""
    names = [step.name for step in steps]
    before = [None, *names]
    return {
        step.name: (step.label, rows[old]["seconds"] / rows[step.name]["seconds"] if old else None)
        for step, old in zip(steps, before)
    }


def _training_table(chosen: Mapping[str, tuple[str, float | None]], results: Mapping[str, Any]) -> str:
    with_gain = any(gain is not None for _, gain in chosen.values())
    columns = ["row", "s/update", "low to high", "tokens/s", "GFLOP/s needed", "of ceiling", "peak GiB"]
    records = []
    for name, (label, gain) in chosen.items():
        row, peak = results["rows"][name], results.get("peaks", {}).get(name)
        record = {
            "row": label,
            "s/update": _seconds(row["seconds"]),
            "low to high": _range(row["spread"], 1),
            "tokens/s": f"{row['tokens_per_second']:,.0f}",
            "GFLOP/s needed": f"{row['flop_per_second'] / 1e9:,.0f}",
            "of ceiling": f"{100 * row['share_of_ceiling']:.0f} %",
            "peak GiB": f"{peak / 2**30:.2f}" if peak else None,
        }
        if with_gain:
            record["x before"] = f"{gain:.2f}" if gain else None
        records.append(record)
    return to_markdown([*columns, *(["x before"] if with_gain else [])], records)


def decoding_report(rows: Iterable[Mapping[str, Any]], origin: str, _: str) -> str:
    """Milliseconds a sentence."""
    records = [
        {
            "way": row["way"],
            "batch": row["batch"],
            "ms a sentence": f"{row['milliseconds']:.1f}",
            "low to high": _range(row["spread"], 1),
        }
        for row in rows
    ]
    text = (
        f"Random weights; outputs are forced to {WORDS} words. Beam {BEAM} in AR where none is named, {BEAM} lengths "
        "in NAR (half of them a word or two longer)."
    )
    return _part("Decoding", origin, text, records)


def attention_report(rows: Iterable[Mapping[str, Any]], origin: str, _: str) -> str:
    """Milliseconds of a decoder self-attention."""
    records = [
        {"way": row["way"], "ms": f"{1000 * row['seconds']:.1f}", "low to high": _range(row["spread"], 1000)}
        for row in rows
    ]
    text = "Forward and backward pass of one decoder self-attention over all streams of a batch, masks included."
    return _part("Attention", origin, text, records)


def loss_report(rows: Sequence[Mapping[str, Any]], origin: str, _: str) -> str:
    """Seconds and memory of the joint loss."""
    words, width = rows[0]["words"], rows[0]["width"]
    records = [
        {
            "way": row["way"],
            "tokens": f"{row['tokens']:,}",
            "seconds": _seconds(row["seconds"]),
            "low to high": _range(row["spread"], 1),
            "GFLOP/s": f"{row['flop_per_second'] / 1e9:,.0f}",
            "GiB beside inputs": f"{row['bytes'] / 2**30:.2f}",
        }
        for row in rows
    ]
    text = (
        f"Forward and backward pass of three streams over {words:,} words at width {width}, float32: the operator "
        "(chunked), tensors of rows x words (whole), and nothing but the three matrix products."
    )
    return _part("Joint loss", origin, text, records)


def preparation_report(rows: Iterable[Mapping[str, Any]], origin: str, _: str) -> str:
    """Seconds and memory of the steps of preparation."""
    records = [
        {
            "pairs": f"{row['pairs']:,}",
            "step": row["step"],
            "processes": row["workers"],
            "seconds": _seconds(row["seconds"]),
            "of processors": _seconds(row["processor_seconds"]),
            "peak GiB": f"{row['bytes'] / 2**30:.2f}",
        }
        for row in rows
    ]
    # Each size is prepared once.
    origin = origin.partition("; median")[0] + ", once."
    text = (
        "Generated text (Zipf's law), 22 words a side on average, 40,000 merges. Peak: the step's process and its "
        "workers together."
    )
    return _part("Preparation of a corpus", origin, text, records)


def goals_of(records: Iterable[Mapping[str, Any]]) -> list[Goal]:
    """The goals that the records of the parts hold."""
    held = [goal for record in records for goal in record["goals"]]
    return [Goal(**{key: value for key, value in goal.items() if key != "met"}) for goal in held]


def goals_report(goals: Iterable[Goal]) -> str:
    """Each goal with what was measured."""
    return "\n".join(["## Goals", "", *(goal.line() for goal in goals), ""])


def _part(title: str, origin: str, text: str, records: Sequence[Mapping[str, Any]]) -> str:
    """A part of the page: its heading, where it was measured, what it is, and the table of its records."""
    return "\n".join([f"## {title}", "", origin, text, "", to_markdown(list(records[0]), records)])


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _range(spread: Sequence[float], factor: float) -> str:
    return " to ".join(f"{factor * value:.3g}" for value in spread)
