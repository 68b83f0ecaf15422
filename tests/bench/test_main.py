"""The whole benchmark at toy sizes: tables and files come out, with where they come from."""

import json

import pytest
import torch

from janus.bench.__main__ import main
from janus.bench.goals import Goal
from janus.bench.systems import SYSTEMS, ladder


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    words = ["--tiny", "--rounds", "1", "--batches", "1", "--threads", "1"]
    before = torch.get_num_threads()
    assert main([*words, "--output", str(folder)]) == 0
    assert torch.get_num_threads() == before
    return folder


def read(folder, part: str) -> dict:
    return json.loads((folder / f"{part}-cpu.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("part", ["training", "decoding", "loss"])
def test_each_part_says_where_it_comes_from(results, part):
    record = read(results, part)
    assert record["tiny"] and record["rounds"] == 1 and record["threads"] == 1
    assert record["versions"]["torch"] and record["revision"] and record["device"] and record["wall_seconds"] > 0
    assert all(goal["name"] and goal["met"] in (True, False, None) for goal in record["goals"])


@pytest.mark.slow
def test_every_row_is_measured(results):
    training = read(results, "training")["results"]
    names = {system.name for system in (*SYSTEMS, *ladder("cpu"))}
    assert names <= set(training["rows"])
    for name, row in training["rows"].items():
        low, high = row["spread"]
        assert 0 < low <= row["seconds"] <= high
        assert row["tokens_per_second"] == pytest.approx(training["tokens"] / row["seconds"])
        assert training["peaks"][name] > training["peaks"]["nothing"] * 0.9


@pytest.mark.slow
def test_the_table_shows_them(results):
    table = (results / "bench-cpu.md").read_text()
    for system in (*SYSTEMS, *ladder("cpu")):
        assert f"| {system.label} |" in table
    for heading in ("# Benchmarks", "## Training", "## Decoding", "## Joint loss", "## Goals"):
        assert f"{heading}\n" in table
    assert "goal at most 2.7" in table and "goal at least 1.8" in table
    assert "open; measure it with `python -m janus.bench --device cuda --only training`" in table


@pytest.mark.slow
def test_a_part_alone(tmp_path, capsys):
    assert main(["--tiny", "--rounds", "1", "--only", "loss", "--output", str(tmp_path)]) == 0
    assert "## Joint loss" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bench-cpu.md", "loss-cpu.json"]


@pytest.mark.slow
def test_a_part_measured_again_leaves_the_others_in_the_table(results, tmp_path):
    for path in results.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    assert main(["--tiny", "--rounds", "2", "--only", "attention", "--output", str(tmp_path)]) == 0
    before, after = ((folder / "bench-cpu.md").read_text() for folder in (results, tmp_path))
    assert before != after and "median of 1 rounds" in after and "median of 2 rounds" in after
    sections = [text.split("## Attention")[0] for text in (before, after)]
    assert sections[0] == sections[1]
    assert [line for line in after.splitlines() if line.startswith("## ")] == [
        "## Training",
        "## Decoding",
        "## Attention",
        "## Joint loss",
        "## Goals",
    ]


@pytest.mark.slow
def test_the_preparation_is_measured_where_it_is_asked_for(results, tmp_path):
    assert not (results / "preparation-cpu.json").exists()
    assert main(["--tiny", "--only", "preparation", "--threads", "1", "--output", str(tmp_path)]) == 0
    rows = read(tmp_path, "preparation")["results"]
    assert [(row["pairs"], row["step"]) for row in rows] == [
        (pairs, step) for pairs in (50, 100) for step in ("learn and apply BPE", "binarise")
    ]
    assert all(row["seconds"] > 0 and row["processor_seconds"] > 0 and row["bytes"] > 10 << 20 for row in rows)
    table = (tmp_path / "bench-cpu.md").read_text()
    assert "## Preparation of a corpus\n" in table and "| 100 | binarise | 1 |" in table


def test_a_missing_gpu_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["--device", "cuda"]) == 1
    assert capsys.readouterr().err == "--device: no usable GPU; give cpu, or run where there is one\n"


@pytest.mark.parametrize(
    ("goal", "met", "line"),
    [
        (Goal("x", 2.7, at_most=2.7), True, "- x: 2.70, goal at most 2.7: **met**"),
        (Goal("x", 2.8, at_most=2.7), False, "- x: 2.80, goal at most 2.7: **missed**"),
        (Goal("x", 1.7, at_least=1.8), False, "- x: 1.70, goal at least 1.8: **missed**"),
        (Goal("x", None, at_least=1.8, command="y"), None, "- x: goal at least 1.8, open; measure it with `y`"),
    ],
)
def test_goals_are_named_met_or_missed(goal, met, line):
    assert goal.met is met
    assert goal.line() == line
