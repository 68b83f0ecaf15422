"""From score files to records: means, intervals, the cautious reading of several tests."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.files import write_json
from janus.metrics.intervals import mean_interval
from janus.report.collect import collect, write_reproduced
from janus.report.ledger import load_reproduced

PLACE = {"table": 1, "row": "JANUS-AR", "variant": "JANUS (paper)", "column": "IWSLT14 De→En"}
File = Callable[..., Path]


def test_seeds_become_mean_and_interval(score_file: File) -> None:
    values = [36.0, 36.5, 37.3]
    files = {seed: score_file(f"{seed}.json", value) for seed, value in enumerate(values)}
    (record,) = collect([{**PLACE, "metric": "bleu_tok", "score_files": files}])
    interval = mean_interval(values)
    assert (record.value, record.half_width, record.seeds) == (interval.mean, interval.half_width, 3)
    assert record.signature == "sig-bleu_tok"
    assert all(str(path) in record.provenance for path in files.values())


def test_one_seed_has_no_interval_and_no_test(score_file: File) -> None:
    (record,) = collect([{**PLACE, "metric": "bleu_tok", "score_files": {1: score_file("a.json", 36.0)}}])
    assert (record.half_width, record.p_value, record.delta) == (None, None, None)


def test_without_a_metric_every_metric_is_collected(score_file: File) -> None:
    records = collect([{**PLACE, "score_files": {1: score_file("a.json", 36.0, valid=80.0)}}])
    assert [record.metric for record in records][-1] == "valid"
    assert (
        len(collect([{**PLACE, "metric": ["chrfpp", "valid"], "score_files": {1: score_file("a.json", 1, valid=2)}}]))
        == 2
    )


@pytest.mark.parametrize(
    ("tests", "p_value", "delta"),
    [
        ([(1.0, 0.001), (2.0, 0.02)], 0.02, 1.5),
        ([(-1.0, 0.001), (-2.0, 0.004)], 0.004, -1.5),
        ([(1.0, 0.001), (-1.0, 0.001)], 1.0, 0.0),
    ],
)
def test_of_several_tests_the_weakest_counts(
    score_file: File, significance_file: File, tests: list[tuple[float, float]], p_value: float, delta: float
) -> None:
    cell = {
        **PLACE,
        "score_files": {seed: score_file(f"{seed}.json", 36.0) for seed in range(len(tests))},
        "significance_files": {seed: significance_file(f"{seed}.test", *test) for seed, test in enumerate(tests)},
        "baseline": "Transformer",
    }
    records = {record.metric: record for record in collect([cell])}
    assert (records["bleu_tok"].p_value, records["bleu_tok"].delta) == (p_value, delta)
    assert records["bleu_tok"].baseline == "Transformer"
    assert records["chrfpp"].p_value is None and records["chrfpp"].baseline == ""


def test_records_survive_the_file(score_file: File, significance_file: File, tmp_path: Path) -> None:
    tested = {"significance_files": {1: significance_file("t.json", 0.5, 0.03)}, "baseline": "Transformer"}
    records = collect([{**PLACE, "score_files": {1: score_file("a.json", 36.123456789)}, **tested}])
    write_reproduced(records, tmp_path / "reproduced.csv")
    assert load_reproduced(tmp_path / "reproduced.csv") == records


def test_a_missing_metric_or_file_is_named(score_file: File, tmp_path: Path) -> None:
    path = score_file("a.json", 36.0)
    with pytest.raises(InputError, match=re.escape(f"{path}: no metric 'valid'; choose of: bleu_tok")):
        collect([{**PLACE, "metric": "valid", "score_files": {1: path}}])
    with pytest.raises(InputError, match="nowhere.json"):
        collect([{**PLACE, "score_files": {1: tmp_path / "nowhere.json"}}])
    write_json(tmp_path / "empty.json", {})
    with pytest.raises(InputError, match="holds no scores"):
        collect([{**PLACE, "score_files": {1: tmp_path / "empty.json"}}])
