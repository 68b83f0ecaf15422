"""The bootstrap against sacreBLEU's command line, and what a test of significance must do."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.files import read_lines, write_lines
from janus.metrics.significance import paired_bootstrap
from janus.metrics.translation import sacre_bleu

REFERENCES = read_lines(Path(__file__).parent / "tatoeba" / "tok.de")


def damage(share: float, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join("x" if rng.random() < share else word for word in line.split()) for line in REFERENCES]


def test_it_is_the_test_of_the_sacrebleu_command(tmp_path: Path) -> None:
    baseline, system = damage(0.2, 1), damage(0.18, 2)
    for name, lines in {"ref": REFERENCES, "one": baseline, "two": system}.items():
        write_lines(tmp_path / name, lines)
    words = ["ref", "-i", "one", "two", "-m", "bleu", "--paired-bs", "--paired-bs-n", "300", "--format", "json"]
    run = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SACREBLEU_SEED": "12345"},
    )
    theirs = json.loads(run.stdout)[1]["BLEU"]
    ours = paired_bootstrap(baseline, system, REFERENCES, metric=sacre_bleu(False), samples=300)
    assert ours["system"] == pytest.approx(theirs["score"])
    assert ours["p_value"] == pytest.approx(theirs["p_value"])
    assert (ours["mean"], ours["ci"]) == pytest.approx((theirs["mean"], theirs["ci"]))


def test_a_clear_gain_is_significant_and_a_draw_is_not() -> None:
    gain = paired_bootstrap(damage(0.5, 1), damage(0.05, 2), REFERENCES, samples=200)
    assert gain["delta"] > 0 and gain["p_value"] < 0.01
    draw = paired_bootstrap(damage(0.2, 1), damage(0.2, 2), REFERENCES, samples=200)
    assert draw["p_value"] > 0.05
    loss = paired_bootstrap(damage(0.05, 2), damage(0.5, 1), REFERENCES, samples=200)
    assert loss["delta"] == pytest.approx(-gain["delta"]) and loss["p_value"] == gain["p_value"]


def test_equal_calls_give_equal_results_and_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    first, second = (paired_bootstrap(damage(0.3, 1), damage(0.2, 2), REFERENCES, samples=100) for _ in range(2))
    assert first == second
    assert "seed:12345" in first["signature"]
    assert os.environ["SACREBLEU_SEED"] == "7"
    assert paired_bootstrap(damage(0.3, 1), damage(0.2, 2), REFERENCES, samples=100, seed=1) != first


def test_unaligned_outputs_are_refused() -> None:
    with pytest.raises(InputError, match="60, 59 and 60 lines"):
        paired_bootstrap(REFERENCES, REFERENCES[1:], REFERENCES)
