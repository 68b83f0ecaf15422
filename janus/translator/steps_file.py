"""The passes of some sentences of a run's test set, in a file that a page shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from janus.decoding.decoding import Decoding
from janus.files import read_lines, write_json, write_lines
from janus.records.provenance import Stopwatch, provenance
from janus.translator.translator import load


def write_steps(
    run: Path, source: Path, output: Path, *, count: int, longest: int, device: str = "cpu", **options: Any
) -> None:
    """Write the passes of the first `count` lines of `source` that have at most `longest` words.

    run: results/<tier>/<corpus>/<system>/seed-<n>. source: tokenised lines. options: those of `Decoding.of`. Lines
    are those of `janus translate --show-steps --json`; a decoder without passes leaves the file empty. A record is
    written beside it.
    """
    watch = Stopwatch()
    decoding = Decoding.of(**options)
    lines = short_lines(read_lines(source), count, longest)
    written: list[str] = []
    if decoding.decoder.trace is not None:
        numbers, texts = zip(*lines) if lines else ((), ())
        found = load(run, device=device).translations(texts, decoding=decoding, given="tokens", steps=True)
        written = [
            json.dumps({"line": number} | asdict(one), ensure_ascii=False) for number, one in zip(numbers, found)
        ]
    write_lines(output, written)
    facts = {"decoder": decoding.decoder.name, "settings": asdict(decoding.settings), "sentences": len(written)}
    write_json(output.with_suffix(".json"), provenance(watch=watch, device=device, **facts))


def short_lines(lines: Sequence[str], count: int, longest: int) -> list[tuple[int, str]]:
    """The first lines of at most `longest` words, with their numbers."""
    return [(number, line) for number, line in enumerate(lines, 1) if 0 < len(line.split()) <= longest][:count]
