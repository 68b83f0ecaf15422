"""What a run has finished: its rows, the revisions and machines that made them, and whether outputs are degenerate."""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.records.evidence import revisions
from janus.report.page.numbers import Numbers
from janus.report.page.records import seconds_text, time_text


def status(run: Path, numbers: Numbers, planned: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The rows of a run and what made them.

    planned: of `janus.report.page.plan.planned_rows`; without it what a run has is listed, and nothing is missing.
    """
    known = {(row["corpus"], row["system"]): row for row in planned or ()}
    made = sorted({path.parents[1] for kind in ("train.json", "score") for path in run.glob(f"*/*/seed-*/{kind}")})
    found = [(path.parts[-2], path.parts[-1]) for path in made]
    places = [*known, *(place for place in found if place not in known)]
    rows = [_row(run, numbers, *place, known.get(place)) for place in places]
    trainings = [record for row in rows for record in row.pop("trainings")]
    records = {name: len(paths) for name, paths in revisions(run).items()}
    finished = sorted(record["finished"] for record in trainings if record.get("finished"))
    return {
        "planned": planned is not None,
        "rows": rows,
        "done": sum(row["state"] == "finished" for row in rows),
        "revisions": [
            {"revision": name.removesuffix("-dirty"), "dirty": name.endswith("-dirty"), "records": count}
            for name, count in sorted(records.items(), key=lambda one: -one[1])
        ],
        "devices": sorted({record["device"] for record in trainings if record.get("device")}),
        "versions": [", ".join(f"{name} {version}" for name, version in one) for one in _versions(trainings)],
        "training": seconds_text(sum(record.get("wall_seconds", 0) for record in trainings)),
        "trainings": len(trainings),
        "first": time_text(finished[0]) if finished else None,
        "last": time_text(finished[-1]) if finished else None,
        "degenerate": list(_degenerate(run, numbers)),
    }


def _row(run: Path, numbers: Numbers, corpus: str, system: str, plan: Mapping[str, Any] | None) -> dict[str, Any]:
    """One system on one corpus over its seeds."""
    folder = run / corpus / system
    trained = _seeds(folder, "train.json")
    # What has no training of its own is there as far as it is scored.
    there = _seeds(folder, "score") if (plan["from"] if plan else not trained) else trained
    seeds = plan["seeds"] if plan else there
    records = {seed: numbers.records.read(f"{corpus}/{system}/seed-{seed}/train.json") for seed in trained}
    decoded = Counter(path.stem for path in folder.glob("seed-*/score/*.json"))
    modes = plan["modes"] if plan else sorted(decoded, key=lambda mode: (len(mode), mode))
    scored = [mode for mode in modes if decoded[mode] >= len(seeds)]
    complete = set(seeds) <= set(there) and len(scored) == len(modes)
    began = any(folder.glob("seed-*/checkpoints/*")) or any(folder.glob("seed-*/decode/*"))
    times = [record["wall_seconds"] for record in records.values() if "wall_seconds" in record]
    mean = statistics.fmean(times) if times else None
    files = [f"{corpus}/{system}/seed-{seed}/train.json" for seed in trained]
    title = f"{plan['label'] if plan else system} on {corpus}: time of one training"
    return {
        "corpus": corpus,
        "system": system,
        "label": plan["label"] if plan else system,
        "from": plan["from"] if plan else "",
        "seeds": f"{len(set(seeds) & set(there))} of {len(seeds)}",
        "modes": ", ".join(scored),
        "missing": ", ".join(mode for mode in modes if mode not in scored),
        "state": "finished" if complete else "under way" if began or there else "not begun",
        "time": seconds_text(mean) if mean is not None else "",
        "number": numbers.add(title, [("Mean over seeds", seconds_text(mean))], files) if mean is not None else None,
        "revisions": sorted({str(record.get("revision", "unknown"))[:7] for record in records.values()}),
        "trainings": list(records.values()),
    }


def _seeds(folder: Path, kind: str) -> list[int]:
    """The seeds of a row that have a file or folder."""
    return sorted(int(path.parent.name.removeprefix("seed-")) for path in folder.glob(f"seed-*/{kind}"))


def _versions(trainings: Sequence[Mapping[str, Any]]) -> list[tuple[tuple[str, str], ...]]:
    return list(dict.fromkeys(tuple(record.get("versions", {}).items()) for record in trainings))


def _degenerate(run: Path, numbers: Numbers) -> Iterator[dict[str, str]]:
    """The decoded files whose vital signs say that their scores mean nothing, and why."""
    for path in sorted(run.glob("*/*/seed-*/decode/*.vital.json")):
        record = numbers.records.read(str(path.relative_to(run)))
        if record and record.get("degenerate"):
            corpus, system, seed = path.parts[-5:-2]
            yield {
                "row": f"{system} on {corpus}, {seed.replace('-', ' ')}, {path.name.removesuffix('.vital.json')}",
                "why": "; ".join(record["degenerate"]),
                "expected": record.get("expected") or "",
            }
