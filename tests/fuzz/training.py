"""Readers of what a training keeps beside its checkpoints: log, durations, identity, lock."""

import json
import shutil
from pathlib import Path

from fuzz.engine import Reader, check_message

from janus.errors import InputError
from janus.records.durations import durations, to_markdown
from janus.training.lock import folder_lock
from janus.training.logs import parse_line, read_curves, read_parameters
from janus.training.resuming import open_run


def valid_log() -> bytes:
    entries = [
        "2026-01-01 | INFO | fairseq_cli.train | num. shared model params: 1,234 (num. trained: 1,234)",
        '2026-01-01 | INFO | train_inner | {"epoch": 1, "update": 0.5, "loss": "9.1", "lr": "0.1"}',
        '2026-01-01 | INFO | train | {"epoch": 1, "train_loss": "8.1", "train_num_updates": "40"}',
        '2026-01-01 | INFO | valid | {"epoch": 1, "valid_loss": "7.1", "valid_num_updates": "40", "valid_bleu": "3.5"}',
    ]
    return "\n".join(entries).encode() + b"\n"


def _read_log(path: Path) -> None:
    with path.open("rb") as stream:
        for line in stream:
            parse_line(line.decode("utf-8", "replace"))
    read_curves(path)
    read_parameters(path)


def _read_durations(path: Path) -> None:
    to_markdown(durations(path.parent))


def _identity() -> bytes:
    identity = {"arguments": ["data", "--lr", "0.1", "--max-update", "9", "--keep-last-epochs=3"], "code": "c"}
    return json.dumps(identity | {"data": {"bin/train.bin": "0", "bin/dict.de.txt": "1"}}, indent=1).encode()


def _read_identity(path: Path) -> None:
    checkpoints = path.parent / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    shutil.copyfile(path, checkpoints / "identity.json")
    open_run(checkpoints, json.loads(_identity()))


def _read_lock(path: Path) -> None:
    """The name of the holder in a lock file, as a second process reads it."""
    given = path.read_bytes()
    folder = path.with_suffix("")
    with folder_lock(folder):
        path.write_bytes(given)
        try:
            with folder_lock(folder, wait=0):
                raise AssertionError("locked twice")
        except InputError as error:
            check_message(error)


READERS = (
    Reader("log", "log.jsonl", "lines", lambda: [valid_log()], _read_log),
    Reader("durations", "train.tsv", "lines", lambda: [b"s\n12.5\n"], _read_durations),
    Reader("identity", "identity.json", "json", lambda: [_identity()], _read_identity, 0.6),
    Reader("lock", "x.lock", "json", lambda: [b'{"pid": 1, "host": "h", "since": "2026"}'], _read_lock, 0.6),
)
