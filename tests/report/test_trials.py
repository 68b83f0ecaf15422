"""Trials of a grid: what they differ in, and which is best for each row."""

import json
from pathlib import Path

import pytest

from janus.__main__ import main
from janus.errors import InputError
from janus.report.trials import read_trials

HEAD = "2026-01-01 00:00:00 | INFO | valid | "


def train(run: Path, system: str, lr: str, *points: tuple[int, dict[str, float]]) -> Path:
    folder = run / f"pair/{system}/seed-1"
    (folder / "checkpoints").mkdir(parents=True)
    arguments = ["data", "--lr", lr, "--fp16", "--adam-betas", "(0.9, 0.98)", "--save-dir", str(folder)]
    record = {"corpus": "pair", "system": system, "seed": "1", "arguments": arguments}
    (folder / "train.json").write_text(json.dumps(record))
    lines = [
        HEAD + json.dumps({"epoch": number, "valid_num_updates": str(updates), "valid_loss": "1.5"} | values)
        for number, (updates, values) in enumerate(points, 1)
    ]
    (folder / "checkpoints/log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return run


def bleu(**scores: float) -> dict[str, str]:
    """What validation logs: each manner, and the mean."""
    manners = {f"valid_bleu_{manner}": str(score) for manner, score in scores.items()}
    return manners | {"valid_bleu": str(sum(scores.values()) / len(scores)), "valid_best_bleu": "99"}


@pytest.fixture
def runs(tmp_path):
    low = train(tmp_path / "low", "janus", "0.001", (10, bleu(ar=10, nar=4)), (20, bleu(ar=30, nar=8)))
    high = train(tmp_path / "high", "janus", "0.002", (10, bleu(ar=24, nar=15)), (20, bleu(ar=26, nar=12)))
    train(low, "plain", "0.001", (10, bleu(ar=21)), (20, bleu(ar=20)))
    train(high, "plain", "0.002", (10, bleu(ar=1)))
    return [low, high]


def test_the_best_point_of_the_manners_mean_decides(runs):
    trials = {(trial.system, trial.settings["lr"]): trial for trial in read_trials(runs)}
    assert {key: (trial.bleu, trial.updates, trial.total_updates, trial.best) for key, trial in trials.items()} == {
        ("janus", "0.001"): (19.0, 20, 20, False),
        ("janus", "0.002"): (19.5, 10, 20, True),
        ("plain", "0.001"): (21.0, 10, 20, True),
        ("plain", "0.002"): (1.0, 10, 10, False),
    }
    # The learning rate alone differs; where a training lies is no setting.
    assert all(list(trial.settings) == ["lr"] for trial in trials.values())


def test_trials_of_different_lengths_are_compared_after_the_same_updates(runs):
    trials = {(trial.system, trial.settings["lr"]): trial for trial in read_trials(runs, updates=10)}
    assert {key: (trial.bleu, trial.total_updates, trial.best) for key, trial in trials.items()} == {
        ("janus", "0.001"): (7.0, 10, False),
        ("janus", "0.002"): (19.5, 10, True),
        ("plain", "0.001"): (21.0, 10, True),
        ("plain", "0.002"): (1.0, 10, False),
    }


def test_the_table_is_written_with_its_provenance(runs, tmp_path, capsys):
    assert main(["trials", *map(str, runs), "--write", str(tmp_path / "grid")]) == 0
    text = (tmp_path / "grid.md").read_text()
    assert text == capsys.readouterr().out
    assert "| pair | janus | 1 | 0.002 | 24.00 | 15.00 | **19.50** | 10 | 20 |" in text.splitlines()
    assert "| pair | plain | 1 | 0.001 | 21.00 |  | **21.00** | 10 | 20 |" in text.splitlines()
    record = json.loads((tmp_path / "grid.json").read_text())
    assert len(record["trials"]) == 4 and "revision" in record


def test_the_grid_may_be_named(runs):
    """One trial alone differs from nothing, and trials of two versions of the code in more than the grid."""
    train(runs[0], "single", "0.001", (10, bleu(ar=3)))
    trials = read_trials(runs, by=["lr"])
    assert [trial.settings for trial in trials if trial.system == "single"] == [{"lr": "0.001"}]
    assert [trial.settings for trial in read_trials(runs) if trial.system == "single"] == [{}]
    assert {name for trial in read_trials(runs, by=["adam-betas"]) for name in trial.settings} == {"adam-betas"}
    with pytest.raises(InputError, match="no trial has an option rate"):
        read_trials(runs, by=["rate"])


def test_bad_input(runs, tmp_path):
    with pytest.raises(InputError, match="nothing: no finished trainings"):
        read_trials([tmp_path / "nothing"])
    silent = train(tmp_path / "silent", "janus", "0.003", (10, {}))
    with pytest.raises(InputError, match="log.jsonl: no validation BLEU; set `training.valid_bleu_sentences`"):
        read_trials([*runs, silent])
    with pytest.raises(InputError, match="no validation BLEU"):
        read_trials(runs, updates=9)
