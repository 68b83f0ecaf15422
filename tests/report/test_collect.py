"""From score files to records: means, intervals, the cautious reading of several tests."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.files import write_json
from janus.metrics.intervals import mean_interval
from janus.report.collect import collect
from janus.report.ledger import Comparison, load_reproduced, write_reproduced

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
    assert (record.half_width, record.comparisons) == (None, ())


def test_without_a_metric_every_metric_is_collected(score_file: File) -> None:
    records = collect([{**PLACE, "score_files": {1: score_file("a.json", 36.0, valid=80.0)}}])
    assert [record.metric for record in records][-1] == "valid"
    assert (
        len(collect([{**PLACE, "metric": ["chrfpp", "valid"], "score_files": {1: score_file("a.json", 1, valid=2)}}]))
        == 2
    )


def compared(files: dict[int, Path], against: str = "Transformer", *, step: bool = False) -> dict[str, object]:
    return {"against": against, "step": step, "files": files}


@pytest.mark.parametrize(
    ("tests", "p_values", "delta"),
    [
        ([(1.0, 0.001, 0.03), (2.0, 0.02, 0.002)], (0.02, 0.03), 1.5),
        ([(-1.0, 0.001, 0.004), (-2.0, 0.004, 0.001)], (0.004, 0.004), -1.5),
        ([(1.0, 0.001, 0.001), (-1.0, 0.001, 0.001)], (1.0, 1.0), 0.0),
        ([(0.0, 0.001, 0.001)], (1.0, 1.0), 0.0),
    ],
)
def test_of_several_tests_the_weakest_counts(
    score_file: File,
    significance_file: File,
    tests: list[tuple[float, float, float]],
    p_values: tuple[float, float],
    delta: float,
) -> None:
    files = {seed: significance_file(f"{seed}.test", *test) for seed, test in enumerate(tests)}
    cell = {
        **PLACE,
        "score_files": {seed: score_file(f"{seed}.json", 36.0) for seed in range(len(tests))},
        "comparisons": [compared(files)],
    }
    records = {record.metric: record for record in collect([cell])}
    (found,) = records["bleu_tok"].comparisons
    assert (found.p_bootstrap, found.p_randomisation) == p_values and found.p_value == max(p_values)
    assert (found.against, found.step, found.delta) == ("Transformer", False, delta)
    assert records["chrfpp"].comparisons == ()


def test_a_row_may_be_tested_against_several(score_file: File, significance_file: File) -> None:
    cell = {
        **PLACE,
        "score_files": {1: score_file("a.json", 36.0)},
        "comparisons": [
            compared({1: significance_file("a.test", -1.0, 0.001)}),
            compared({1: significance_file("b.test", 2.0, 0.002)}, "AR+NAR", step=True),
            # Held against, and not tested.
            compared({}, "CMLM"),
        ],
    }
    assert collect([cell])[0].comparisons == (
        Comparison("Transformer", False, -1.0, 0.001, 0.0001),
        Comparison("AR+NAR", True, 2.0, 0.002, 0.0001),
    )


def test_a_file_of_one_test_alone_is_refused(score_file: File, tmp_path: Path) -> None:
    write_json(tmp_path / "old.json", {"delta": 1.0, "p_value": 0.001})
    cell = {
        **PLACE,
        "score_files": {1: score_file("a.json", 36.0)},
        "comparisons": [compared({1: tmp_path / "old.json"})],
    }
    with pytest.raises(InputError, match="old.json: the entry 'p_bootstrap' is missing; remove it and compare again"):
        collect([cell])


def test_records_survive_the_file(score_file: File, significance_file: File, tmp_path: Path) -> None:
    comparisons = [
        compared({1: significance_file("t.json", 0.5, 0.03)}),
        compared({1: tmp_path / "t.json"}, 'a, "b"', step=True),
    ]
    cell = {**PLACE, "score_files": {1: score_file("a.json", 36.123456789)}, "comparisons": comparisons}
    records = collect([cell])
    write_reproduced(records, tmp_path / "reproduced.csv")
    assert load_reproduced(tmp_path / "reproduced.csv") == records


def test_a_missing_metric_or_file_is_named(score_file: File, tmp_path: Path) -> None:
    path = score_file("a.json", 36.0)
    with pytest.raises(InputError, match=re.escape(f"{path}: no metric 'valid'; choose from: bleu_tok")):
        collect([{**PLACE, "metric": "valid", "score_files": {1: path}}])
    with pytest.raises(InputError, match="nowhere.json"):
        collect([{**PLACE, "score_files": {1: tmp_path / "nowhere.json"}}])
    for content, said in (({}, "the entry 'scores' is missing"), ({"scores": {}}, "contains no scores")):
        write_json(tmp_path / "empty.json", content)
        with pytest.raises(InputError, match=f"empty.json: {said}; score the decoded file again"):
            collect([{**PLACE, "score_files": {1: tmp_path / "empty.json"}}])
