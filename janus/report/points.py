"""The data of the figures: rows assembled from the files of single runs."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.records.shapes import SPEEDS, read_record
from janus.report.score_files import score_in
from janus.report.speeds import decodings

Row = dict[str, Any]


def iteration_points(
    system: str, label: str, *, scores: Mapping[tuple[str, int], Sequence[Path]], latencies: Sequence[Path]
) -> list[Row]:
    """The points of Figure 4 of one system: BLEU and speed after each number of passes, for each batch size.

    `scores` are files of `janus.metrics.files.score_file` by (manner, passes), one per seed; `latencies` files of
    `janus.decoding.latency.measure_latency`, one per seed. BLEU is the mean of the tokenised one over seeds; speed the
    median over seeds, in sentences per second, with the lowest and highest value. AR has no passes: they are 0 in
    `scores` and None in the rows. Raises InputError if a latency file does not contain a decoding that was scored.
    """
    device = read_record(latencies[0], SPEEDS, "device")["device"]
    rows = []
    for (manner, passes), paths in scores.items():
        bleu = statistics.fmean(score_in(path, "bleu_tok")["value"] for path in paths)
        own = [row for path in latencies for row in decodings(path, manner, passes, "sentences_per_second")]
        for size in sorted({row["batch_size"] for row in own}):
            speeds = [row["sentences_per_second"] for row in own if row["batch_size"] == size]
            rows.append(
                {
                    "system": system,
                    "label": label,
                    "manner": manner,
                    "passes": passes if manner == "nar" else None,
                    "bleu": bleu,
                    "speed": statistics.median(speed["median"] for speed in speeds),
                    "speed_low": min(speed["low"] for speed in speeds),
                    "speed_high": max(speed["high"] for speed in speeds),
                    "batch_size": size,
                    "device": device,
                }
            )
    return rows


def bleu_points(system: str, label: str, seed: int, curves: Iterable[Mapping[str, str]]) -> list[Row]:
    """The points of Figure 5 of one run, from its curves: validation BLEU of each manner along the updates."""
    return [
        {
            "system": system,
            "label": label,
            "manner": row["name"].removeprefix("bleu_"),
            "updates": int(row["updates"]),
            "bleu": float(row["value"]),
            "seed": seed,
        }
        for row in curves
        if row["split"] == "valid" and row["name"].startswith("bleu_")
    ]


def loss_points(system: str, label: str, seed: int, curves: Iterable[Mapping[str, str]]) -> list[Row]:
    """The points of Figure 6 of one run, from its curves: training loss of each stream at the end of each epoch."""
    last: dict[tuple[int, str], Row] = {}
    for row in curves:
        if row["split"] == "train" and row["name"] in ("loss_ar", "loss_nar", "loss_aux"):
            epoch, stream = int(float(row["epoch"])), row["name"].removeprefix("loss_")
            last[epoch, stream] = {
                "system": system,
                "label": label,
                "epoch": epoch,
                "stream": stream,
                "loss": float(row["value"]),
                "seed": seed,
            }
    return list(last.values())
