"""Rows of the figures, from files as the runs leave them."""

import json

import pytest

from janus.errors import InputError
from janus.report.figures import FIGURE4_COLUMNS, FIGURE5_COLUMNS, FIGURE6_COLUMNS
from janus.report.points import bleu_points, iteration_points, loss_points


def score(path, value):
    path.write_text(json.dumps({"scores": {"bleu_tok": {"value": value, "signature": "s"}}}))
    return path


def latency(path, speed, manners=(("ar", 0), ("nar", 2))):
    rows = [
        {
            "manner": manner,
            "passes": passes,
            "batch_size": size,
            "sentences_per_second": {"median": speed * size, "low": speed * size - 1, "high": speed * size + 1},
        }
        for manner, passes in manners
        for size in (1, 8)
    ]
    path.write_text(json.dumps({"rows": rows, "device": "a processor"}))
    return path


def test_iterations_average_bleu_and_take_the_median_speed_over_seeds(tmp_path):
    scores = {("nar", 2): [score(tmp_path / "a", 10), score(tmp_path / "b", 14)]}
    speeds = [latency(tmp_path / f"l{speed}", speed) for speed in (5, 7)]
    rows = iteration_points("cmlm", "CMLM", scores=scores, latencies=speeds)
    assert all(set(row) == set(FIGURE4_COLUMNS) for row in rows)
    assert [(row["batch_size"], row["bleu"], row["speed"]) for row in rows] == [(1, 12, 6), (8, 12, 48)]
    assert (rows[0]["speed_low"], rows[0]["speed_high"]) == (4, 8)


def test_autoregressive_points_have_no_passes(tmp_path):
    scores = {("ar", 0): [score(tmp_path / "a", 10)]}
    rows = iteration_points("t", "T", scores=scores, latencies=[latency(tmp_path / "l", 5)])
    assert {row["passes"] for row in rows} == {None}


def test_a_decoding_without_a_speed_is_an_error(tmp_path):
    scores = {("nar", 3): [score(tmp_path / "a", 10)]}
    with pytest.raises(InputError, match="no speed for nar 3"):
        iteration_points("cmlm", "CMLM", scores=scores, latencies=[latency(tmp_path / "l", 5)])


CURVES = [
    {"updates": 10, "epoch": 1, "split": "train", "name": "loss_ar", "value": 5.0},
    {"updates": 20, "epoch": 1, "split": "train", "name": "loss_ar", "value": 4.0},
    {"updates": 20, "epoch": 1, "split": "train", "name": "lr", "value": 0.1},
    {"updates": 20, "epoch": 1, "split": "valid", "name": "loss_ar", "value": 4.5},
    {"updates": 20, "epoch": 1, "split": "valid", "name": "bleu_nar", "value": 7.0},
    {"updates": 40, "epoch": 2, "split": "train", "name": "loss_aux", "value": 3.0},
]


def test_figure5_takes_validation_bleu():
    rows = bleu_points("s", "S", 3, CURVES)
    assert rows == [{"system": "s", "label": "S", "manner": "nar", "updates": 20, "bleu": 7.0, "seed": 3}]
    assert set(rows[0]) == set(FIGURE5_COLUMNS)


def test_figure6_takes_the_last_training_loss_of_each_epoch():
    rows = loss_points("s", "S", 3, CURVES)
    assert [(row["epoch"], row["stream"], row["loss"]) for row in rows] == [(1, "ar", 4.0), (2, "aux", 3.0)]
    assert set(rows[0]) == set(FIGURE6_COLUMNS)
