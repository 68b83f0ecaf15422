"""Decoding speed, with one protocol for all systems (Kasai et al., 2021: batch 1 and a large batch; warm-up; spread).

Only decoding is timed: sentences are converted to symbols before, and nothing is written. AR uses the key-value cache.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import torch
from tqdm import tqdm

from janus.decoding.decoding import Decoding
from janus.decoding.driver import best_hypotheses, read_sentences
from janus.devices import require_device
from janus.files import sha256, write_json
from janus.methods.base.loading import load_model
from janus.model.transformer import JanusTransformer
from janus.records.provenance import Stopwatch, device_name, provenance


def measure_latency(
    *,
    checkpoint: Path,
    source: Path,
    dictionary: Path,
    output: Path,
    decodings: Sequence[Mapping[str, Any]],
    batch_sizes: Sequence[int],
    sentences: int,
    repeats: int,
    warmup: int,
    device: str = "cpu",
    terminal: IO[str] | None = None,
) -> None:
    """Time decoding the first `sentences` of a BPE file under each of `decodings` and at each batch size.

    decodings: keyword arguments of `janus.decoding.decoding.Decoding.of`. warmup: batches decoded before timing
    starts. Each of `repeats` runs decodes all sentences. Writes rows with the median and the extremes, over the
    repeats, of sentences per second and milliseconds per sentence.
    """
    watch = Stopwatch()
    require_device(device)
    runs = [(Decoding.of(**one), size) for one in decodings for size in batch_sizes]
    # The decodings of one system have one method.
    model = load_model(checkpoint, device, bridge=runs[0][0].bridge)
    chosen = read_sentences(source, dictionary, model.config, checkpoint)[:sentences]
    rows = []
    bar = tqdm(runs, desc="latency", unit="setting", file=terminal or sys.stderr, disable=None, leave=False)
    for decoding, size in bar:
        batches = [chosen[i : i + size] for i in range(0, len(chosen), size)]
        seconds = _time(model, batches, decoding, repeats, warmup, device, checkpoint)
        rows.append(
            {
                "manner": decoding.manner,
                **asdict(decoding.settings),
                "batch_size": size,
                **_summary(seconds, len(chosen)),
            }
        )
    facts = {"checkpoint": sha256(checkpoint), "sentences": len(chosen), "repeats": repeats, "warmup": warmup}
    facts["threads"] = torch.get_num_threads()
    write_json(output, {"rows": rows, "device": device_name(device), **provenance(watch=watch, device=device, **facts)})


def _time(
    model: JanusTransformer,
    batches: list,
    decoding: Decoding,
    repeats: int,
    warmup: int,
    device: str,
    checkpoint: Path,
) -> list[float]:
    """Seconds of each repeat."""
    for batch in batches[:warmup]:
        best_hypotheses(model, batch, decoding, device, where=checkpoint)
    seconds = []
    for _ in range(repeats):
        _wait(device)
        start = time.perf_counter()
        for batch in batches:
            best_hypotheses(model, batch, decoding, device, where=checkpoint)
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return seconds


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _summary(seconds: list[float], sentences: int) -> dict[str, Any]:
    speeds = [sentences / s for s in seconds]
    times = [1000 * s / sentences for s in seconds]
    return {
        "sentences_per_second": {"median": statistics.median(speeds), "low": min(speeds), "high": max(speeds)},
        "milliseconds_per_sentence": {"median": statistics.median(times), "low": min(times), "high": max(times)},
    }
