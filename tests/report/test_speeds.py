"""Latencies out of the files that measured them."""

from pathlib import Path

import pytest

from janus.errors import InputError
from janus.files import write_json
from janus.report.speeds import decodings, latency, protocol


def row(manner: str, passes: int, size: int, median: float) -> dict[str, object]:
    speed = {"median": median, "low": median / 2, "high": 2 * median}
    return {"manner": manner, "passes": passes, "batch_size": size, "milliseconds_per_sentence": speed}


def write(path: Path, *rows: dict[str, object], device: str = "a processor") -> Path:
    facts = {"device": device, "repeats": 3, "sentences": 32, "warmup": 1, "threads": 2}
    write_json(path, {"rows": rows, **facts})
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [row("nar", passes, size, 10 * passes / size) for passes in (1, 5) for size in (1, 32)]
    return write(tmp_path / "latency.json", row("ar", 11, 1, 80.0), *rows)


def test_a_latency_is_the_median_of_one_sentence_at_a_time(file: Path) -> None:
    assert latency(file, "nar", 5) == 50
    assert [one["batch_size"] for one in decodings(file, "nar", 5)] == [1, 32]


def test_autoregressive_decoding_has_no_passes(file: Path) -> None:
    assert latency(file, "ar", None) == 80


def test_what_was_not_measured_is_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"latency.json: no speed for nar 2; remove the file"):
        latency(file, "nar", 2)
    large = write(tmp_path / "large.json", row("ar", 1, 32, 5.0))
    with pytest.raises(InputError, match=r"large.json: 0 speeds of ar at batch size 1"):
        latency(large, "ar", None)


def test_the_protocol_names_each_device_once(file: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.json", device="another")
    expected = "median of 3|batch:1|sentences:32|warm-up:1|threads:2|"
    assert protocol([file, file]) == f"{expected}a processor"
    assert protocol([file, other]) == f"{expected}a processor or {expected}another"
