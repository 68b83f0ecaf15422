"""An overview of systems on one corpus: how good, how fast and how large each is, one row for each manner of decoding.

Unlike the paper's tables it has no published side. What a row costs stands beside what it scores.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.metrics.intervals import Interval, mean_interval
from janus.records.shapes import DECODED, GIVEN, SPEEDS, TRAINING, read_record
from janus.report.layout import Group, Table, caption
from janus.report.names import METRICS, decimals
from janus.report.score_files import score_in
from janus.report.speeds import decodings

# The first metric of a task is what the figure shows.
QUALITY = {
    "translation": ("bleu_sacre", "chrfpp", "repetition"),
    "summary": ("rouge1_155", "rouge2_155", "rougeL_155", "repetition"),
    "question": ("rougeL_coco", "bleu4_coco", "meteor", "repetition"),
    "reply": ("bleu1_nltk35", "bleu2_nltk35", "distinct1", "distinct2", "repetition"),
}
_UNITS = ("milliseconds_per_sentence", "sentences_per_second")
_MANNERS = {"ar": "AR", "nar": "NAR"}

Cell = dict[str, Any]
Row = dict[str, Any]


def overview_cells(
    name: str,
    block: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    *,
    score_files: Callable[[str, str, str], Mapping[int, str]],
    latency_files: Callable[[str, str], Mapping[int, str]],
    origin_of: Callable[[str, str, str], Mapping[str, Any]],
    passes: Callable[[str, str], int],
) -> list[Cell]:
    """The rows of the overview `name`, whose `block` of the tier names a corpus, systems and a baseline.

    A cell is as in `janus.report.collect`, with the files of its speed. Every row is compared with the baseline, to
    name what their trainings do not share.
    """
    corpus, baseline = block["corpus"], block["baseline"]
    against = {"against": systems[baseline]["label"], "step": False, "files": {}}
    against["origin"] = origin_of(corpus, baseline, systems[baseline]["manners"][0])
    return [
        {
            "table": name,
            "row": system,
            "variant": f"{systems[system]['label']}, {_MANNERS[manner]}",
            "column": corpus,
            "manner": manner,
            "passes": passes(corpus, system) if manner == "nar" else None,
            "score_files": score_files(corpus, system, manner),
            "latency_files": latency_files(corpus, system),
            "origin": origin_of(corpus, system, manner),
            "comparisons": [] if system == baseline else [against],
        }
        for system in block["systems"]
        for manner in systems[system]["manners"]
    ]


def overview_rows(cells: Sequence[Cell], task: str) -> list[Row]:
    """What is known of each cell: scores as intervals over seeds, speeds, parameters and time of the training.

    Keys are the metrics of the task, `signature` of its first, `passes` (the mean over sentences where a decoder stops
    by itself), `latency` (ms a sentence, one at a time), `throughput` (sentences a second at `batch`, the largest),
    `parameters`, `seconds` of one training, `device`. Speeds are medians over seeds. What a given row does not have
    (speeds, a training) is None. Raises InputError for a missing file or metric, or speeds that were not measured for
    this decoding.
    """
    return [_row(cell, QUALITY[task]) for cell in cells]


def _row(cell: Cell, metrics: Sequence[str]) -> Row:
    files = [Path(path) for path in cell["score_files"].values()]
    trainings = [read_record(Path(path), TRAINING, "wall_seconds") for path in cell["origin"]["trainings"].values()]
    made = trainings or [read_record(Path(path), GIVEN) for path in cell["origin"]["given"].values()]
    row = {
        **{name: mean_interval([score_in(path, name)["value"] for path in files]) for name in metrics},
        "signature": score_in(files[0], metrics[0])["signature"],
        "passes": _mean_passes(cell),
        "parameters": made[0].get("parameters"),
        "seconds": statistics.fmean(one["wall_seconds"] for one in trainings) if trainings else None,
    }
    if not cell["latency_files"]:
        return row | dict.fromkeys(("latency", "throughput", "batch", "device"))
    timed = [decodings(Path(path), cell["manner"], cell["passes"], *_UNITS) for path in cell["latency_files"].values()]
    where = next(iter(cell["latency_files"].values()))
    largest = max(one["batch_size"] for one in timed[0])
    return row | {
        "latency": _median(timed, 1, _UNITS[0], where),
        "throughput": _median(timed, largest, _UNITS[1], where),
        "batch": largest,
        "device": read_record(Path(where), SPEEDS, "device")["device"],
    }


def _mean_passes(cell: Cell) -> float | None:
    """The decoder passes of a sentence; None where each token has one."""
    if cell["passes"] is None:
        return None
    decoded = [read_record(Path(path), DECODED) for path in cell["origin"]["decodings"].values()]
    return statistics.fmean(one.get("passes_taken", {"mean": cell["passes"]})["mean"] for one in decoded)


def _median(timed: Sequence[Sequence[Mapping[str, Any]]], size: int, unit: str, where: object) -> float:
    speeds = [row[unit]["median"] for rows in timed for row in rows if row["batch_size"] == size]
    if not speeds:
        fix = f"put {size} among `batch_sizes`, remove the file and measure again"
        raise InputError(f"no speed at batch size {size}", where=where, fix=fix)
    return statistics.median(speeds)


def overview_table(
    name: str,
    cells: Sequence[Cell],
    rows: Sequence[Row],
    *,
    title: str,
    task: str,
    baseline: str,
    tier: str,
    generated: bool,
    origins: Sequence[str] = (),
) -> Table:
    """The table of an overview; `baseline` is the system that speeds are compared with, `origins` are further notes."""
    metrics, batch = QUALITY[task], next(row["batch"] for row in rows if row["batch"])
    slowest = next(row["latency"] for cell, row in zip(cells, rows, strict=True) if cell["row"] == baseline)
    units = {
        "passes": "passes",
        "latency": "ms, one at a time",
        "speedup": "speed-up",
        "throughput": f"sentences/s, batch {batch}",
        "parameters": "parameters, M",
        "minutes": "training, min",
    }
    ratios = [slowest / row["latency"] if row["latency"] else None for row in rows]
    records = [
        _record(cell, row | {"speedup": ratio}, metrics) for cell, row, ratio in zip(cells, rows, ratios, strict=True)
    ]
    heads = [*(METRICS[metric] for metric in metrics), *units.values()]
    lines = [
        (
            record["row"],
            record["system"],
            *(_score(row[metric], metric) for metric in metrics),
            *(_cost(record, key) for key in units),
        )
        for record, row in zip(records, rows, strict=True)
    ]
    return Table(
        name=name,
        caption=caption(title, tier, generated=generated),
        notes=(*_notes(rows, metrics, baseline), *origins),
        labels=("Row", "System"),
        groups=tuple(Group(head, ("",)) for head in heads),
        lines=tuple(lines),
        record_columns=tuple(records[0]),
        records=tuple(records),
    )


def _record(cell: Cell, row: Row, metrics: Sequence[str]) -> Row:
    scores = {}
    for metric in metrics:
        scores |= {metric: row[metric].mean, f"{metric}_half_width": row[metric].half_width}
    return {
        "table": cell["table"],
        "row": cell["row"],
        "variant": cell["variant"],
        "column": cell["column"],
        "system": cell["variant"],
        "seeds": row[metrics[0]].count,
        **scores,
        **{key: row[key] for key in ("passes", "latency", "speedup", "throughput")},
        "parameters": row["parameters"] and row["parameters"] / 1e6,
        "minutes": row["seconds"] and row["seconds"] / 60,
    }


def _score(interval: Interval, metric: str) -> str:
    places = decimals(metric)
    spread = "" if interval.half_width is None else f" ± {interval.half_width:.{places}f}"
    return f"{interval.mean:.{places}f}{spread}"


def _cost(record: Row, key: str) -> str:
    value = record[key]
    if value is None:
        return "a token" if key == "passes" else "–"
    return f"{value:.2f}×" if key == "speedup" else f"{value:.3g}" if key == "passes" else f"{value:.2f}"


def _notes(rows: Sequence[Row], metrics: Sequence[str], baseline: str) -> list[str]:
    spread = ["± is a 95 % interval over seeds."] if rows[0][metrics[0]].half_width is not None else ["One seed."]
    devices = ", ".join(dict.fromkeys(row["device"] for row in rows if row["device"]))
    return [
        f"{METRICS[metrics[0]]}: {rows[0]['signature']}.",
        *spread,
        f"Speeds: medians, decoding alone, on {devices}; speed-ups are over {baseline}, one sentence at a time. "
        "Passes are means over sentences where a decoder stops by itself. Training: time of one training, beside "
        "whatever else ran.",
    ]


def figure_rows(cells: Sequence[Cell], rows: Sequence[Row], task: str) -> list[Row]:
    """The points of the picture of an overview, quality against speed, at batch 1 and at the largest batch.

    Rows without a speed have none. Columns are those of `figures.TRADEOFF_COLUMNS`; `on_front` says that no other
    row is both better and faster.
    """
    metric = QUALITY[task][0]
    points = [
        {
            "system": cell["row"],
            "label": cell["variant"],
            "manner": cell["manner"],
            "batch_size": size,
            "quality": row[metric].mean,
            "metric": METRICS[metric],
            "speed": speed,
            "device": row["device"],
        }
        for cell, row in zip(cells, rows, strict=True)
        if row["latency"]
        for size, speed in ((1, 1000 / row["latency"]), (row["batch"], row["throughput"]))
    ]
    for size in {point["batch_size"] for point in points}:
        own = [point for point in points if point["batch_size"] == size]
        for point, on_front in zip(own, pareto_front([(one["quality"], one["speed"]) for one in own]), strict=True):
            point["on_front"] = on_front
    return points


def pareto_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Whether no other point is at least as good in both coordinates and better in one, for each point."""
    return [
        not any(x <= other_x and y <= other_y and (x, y) != (other_x, other_y) for other_x, other_y in points)
        for x, y in points
    ]
