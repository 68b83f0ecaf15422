"""Readers of records as the commands read them that go through a whole run."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from fuzz.engine import Reader, all_of
from fuzz.records import valid_record
from fuzz.training import valid_log

from janus.records.evidence import refuse_mixed, refuse_stale, revisions
from janus.report.trials import read_trials


def _averaged() -> bytes:
    record = {"checkpoints": {"checkpoint1.pt": "0", "checkpoint2.pt": "1"}, "sha256": "f00", "revision": "abc"}
    return json.dumps(record, indent=1).encode()


def _read_run(name: str) -> Callable[[Path], None]:
    """A record as the commands read it that go through a whole run."""

    def read(path: Path) -> None:
        run = path.parent / "results"
        row = run / "c/s/seed-1"
        (row / "checkpoints").mkdir(parents=True, exist_ok=True)
        (row / "decode").mkdir(exist_ok=True)
        made = 1_000_000
        for place, whole in (
            ("checkpoints/checkpoint2.pt", b""),
            ("checkpoints/log.jsonl", valid_log()),
            ("train.json", valid_record("train")),
            ("averaged.json", _averaged()),
            ("averaged.pt", b""),
            ("decode/ar.bpe.json", valid_record("decode")),
        ):
            (row / place).write_bytes(path.read_bytes() if place == name else whole)
            # In the order of their making, whatever the clock of the file system can tell apart.
            os.utime(row / place, (made := made + 1, made))
        all_of(
            lambda: revisions(run),
            lambda: refuse_mixed(run),
            lambda: refuse_stale(run),
            lambda: read_trials([run]),
        )

    return read


READERS = (
    Reader("run-train", "train.json", "json", lambda: [valid_record("train")], _read_run("train.json"), 0.4),
    Reader("run-averaged", "averaged.json", "json", lambda: [_averaged()], _read_run("averaged.json"), 0.4),
    Reader("run-decode", "ar.bpe.json", "json", lambda: [valid_record("decode")], _read_run("decode/ar.bpe.json"), 0.4),
    Reader("run-log", "log.jsonl", "lines", lambda: [valid_log()], _read_run("checkpoints/log.jsonl"), 0.4),
)
