"""Overviews: what a row says, the front of the picture, and every file that is written."""

import itertools
import json
import random

import pytest

from janus.errors import InputError
from janus.report.figures import TRADEOFF_COLUMNS, load_rows, tradeoff
from janus.report.overview import figure_rows, overview_cells, overview_rows, overview_table, pareto_front
from janus.report.tables import write_table

SYSTEMS = {
    "slow": {"label": "Slow", "manners": ["ar"]},
    "both": {"label": "Both", "manners": ["ar", "nar"]},
}
BLOCK = {"title": "All", "corpus": "c.de-en", "systems": ["slow", "both"], "baseline": "slow"}
SCORES = {"slow-ar": (30.0, 32.0), "both-ar": (31.0, 31.0), "both-nar": (20.0, 22.0)}
# Milliseconds of a sentence alone, sentences a second at batch 32.
SPEEDS = {"slow-ar": (50.0, 100.0), "both-ar": (40.0, 90.0), "both-nar": (10.0, 400.0)}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return str(path)


def timed(system):
    return [
        {
            "manner": manner,
            "passes": 11 if manner == "nar" else 0,
            "batch_size": size,
            "milliseconds_per_sentence": {"median": ms},
            "sentences_per_second": {"median": speed, "low": speed, "high": speed},
        }
        for manner in SYSTEMS[system]["manners"]
        for size, ms, speed in (
            (1, SPEEDS[f"{system}-{manner}"][0], 1000 / SPEEDS[f"{system}-{manner}"][0]),
            (32, 1.0, SPEEDS[f"{system}-{manner}"][1]),
        )
    ]


@pytest.fixture
def cells(tmp_path):
    def scores(corpus, system, manner):
        return {
            seed: write(
                tmp_path / f"{system}-{manner}-{seed}.json",
                {
                    "scores": {
                        name: {"value": value, "signature": f"how {name}"}
                        for name in ("bleu_sacre", "chrfpp", "repetition")
                    }
                },
            )
            for seed, value in enumerate(SCORES[f"{system}-{manner}"], 1)
        }

    def latencies(corpus, system):
        return {1: write(tmp_path / f"{system}-latency.json", {"rows": timed(system), "device": "a CPU"})}

    def origin(corpus, system, manner):
        training = {"arguments": ["x"], "parameters": 2_000_000, "wall_seconds": 90.0}
        decoding = {"passes_taken": {"mean": 4.5, "most": 9}} if manner == "nar" else {}
        return {
            "corpus": corpus,
            "trainings": {1: write(tmp_path / f"{system}-train.json", training)},
            "decodings": {1: write(tmp_path / f"{system}-{manner}-decode.json", decoding)},
            "checkpoints": "mean of the last 2",
        }

    return overview_cells(
        "zoo",
        BLOCK,
        SYSTEMS,
        score_files=scores,
        latency_files=latencies,
        origin_of=origin,
        passes=lambda corpus, system: 11,
    )


def table_of(cells):
    rows = overview_rows(cells, "translation")
    named = {"title": "All", "task": "translation", "baseline": "slow", "tier": "t", "generated": False}
    return overview_table("zoo", cells, rows, **named), rows


def test_a_row_for_each_manner_with_scores_speeds_and_costs(cells):
    table, _ = table_of(cells)
    heads = [*table.labels, *(group.name for group in table.groups)]
    lines = {line[1]: dict(zip(heads, line, strict=True)) for line in table.lines}
    assert list(lines) == ["Slow, AR", "Both, AR", "Both, NAR"]
    nar = lines["Both, NAR"]
    # Student's t with one degree of freedom: 12.706 times the standard error 1.
    assert nar["sacreBLEU"] == "21.00 ± 12.71" and nar["passes"] == "4.5" and lines["Both, AR"]["passes"] == "a token"
    assert (nar["ms, one at a time"], nar["speed-up"], nar["sentences/s, batch 32"]) == ("10.00", "5.00×", "400.00")
    assert (nar["parameters, M"], nar["training, min"]) == ("2.00", "1.50")
    assert lines["Slow, AR"]["speed-up"] == "1.00×"
    assert any("how bleu_sacre" in note for note in table.notes)


def test_each_row_is_compared_with_the_baseline_but_itself(cells):
    assert [[one["against"] for one in cell["comparisons"]] for cell in cells] == [[], ["Slow"], ["Slow"]]


def test_a_speed_that_was_not_measured_is_an_error(cells):
    cells[2]["passes"] = 5
    with pytest.raises(InputError, match="no speed for nar 5"):
        overview_rows(cells, "translation")


def test_table_and_picture_are_written(cells, tmp_path):
    table, rows = table_of(cells)
    write_table(table, tmp_path / "zoo")
    points = figure_rows(cells, rows, "translation")
    tradeoff(points, tmp_path / "picture", title="All", tier="t", generated=False)
    assert {path.suffix for path in tmp_path.glob("picture.*")} == {".svg", ".pdf", ".png", ".csv", ".md"}
    read = load_rows(tmp_path / "picture.csv", TRADEOFF_COLUMNS)
    alone = {row["label"]: row["on_front"] for row in read if row["batch_size"] == 1}
    # Slow and Both score 31 alike in AR, and Both is faster.
    assert alone == {"Slow, AR": "False", "Both, AR": "True", "Both, NAR": "True"}
    largest = {row["label"]: row["on_front"] for row in read if row["batch_size"] == 32}
    assert largest == {"Slow, AR": "True", "Both, AR": "False", "Both, NAR": "True"}


def test_the_front_is_what_nothing_dominates():
    generator = random.Random(1)
    points = [(generator.randrange(6), generator.randrange(6)) for _ in range(40)]
    front = pareto_front(points)
    kept = [point for point, on_front in zip(points, front) if on_front]
    for one, other in itertools.combinations(set(kept), 2):
        assert (one[0] - other[0]) * (one[1] - other[1]) < 0
    for point, on_front in zip(points, front):
        beaten = any(x >= point[0] and y >= point[1] and (x, y) != point for x, y in points)
        assert on_front != beaten
