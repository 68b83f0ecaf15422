"""Durations are summed by the kind of job."""

import pytest

from janus.errors import InputError
from janus.records.durations import durations, to_markdown


def test_parts(tmp_path):
    for name, seconds in {"a/train": 30.5, "b/train": 12, "a/decode-ar": 3, "a/decode-nar-11": 4}.items():
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\n{seconds}\n")
    assert to_markdown(durations(tmp_path))[2:] == ["| train | 2 | 42 | 30 |", "| decode | 2 | 7 | 4 |"]


def test_bad_input(tmp_path):
    with pytest.raises(InputError, match="no durations of jobs"):
        durations(tmp_path)
    (tmp_path / "train.tsv").write_text("nothing\n")
    with pytest.raises(InputError, match="train.tsv: not the duration of a job"):
        durations(tmp_path)
