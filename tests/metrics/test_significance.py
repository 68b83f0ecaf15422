"""The bootstraps against sacreBLEU's own, and what a test of significance must do."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics import TER
from sacrebleu.significance import PairedTest
from scipy.stats import norm

from janus.errors import InputError
from janus.files import read_lines, write_lines
from janus.metrics.significance import bootstrap_of_means, paired_bootstrap
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


@pytest.mark.parametrize(("share", "samples"), [(0.2, 1000), (0.22, 300), (0.5, 1000)])
def test_of_means_it_is_sacrebleus_test(monkeypatch: pytest.MonkeyPatch, share: float, samples: int) -> None:
    # With references of one length, the TER of a corpus is the mean of its sentences'.
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    rng = random.Random(4)
    references = [" ".join(rng.choices("abcdefghij", k=10)) for _ in range(80)]
    sides = [
        [" ".join("x" if rng.random() < one else word for word in line.split()) for line in references]
        for one in (0.2, share)
    ]
    named = list(zip(("baseline", "system"), sides, strict=True))
    _, results = PairedTest(named, {"TER": TER()}, [references], test_type="bs", n_samples=samples)()
    before, after = results["TER"]
    items = [
        [TER().sentence_score(*pair[:1], [pair[1]]).score for pair in zip(side, references, strict=True)]
        for side in sides
    ]
    ours = bootstrap_of_means(*items, samples=samples)
    assert ours["p_value"] == pytest.approx(after.p_value, abs=1e-12)
    expected = (before.score, after.score, after.mean, after.ci)
    assert [ours[name] for name in ("baseline", "system", "mean", "ci")] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("errors", [1.5, 2.0, 2.5])
def test_of_a_clear_difference_p_is_a_tail_of_the_normal_distribution(errors: float) -> None:
    noise = np.random.default_rng(5).normal(size=400)
    noise = (noise - noise.mean()) / noise.std()
    system = noise + errors / 20
    found = bootstrap_of_means([0.0] * 400, system.tolist(), samples=20000)
    assert found["delta"] == pytest.approx(errors / 20)
    tail = norm.sf(errors)
    assert found["p_value"] == pytest.approx(tail, abs=0.25 * tail)
    assert found["ci"] == pytest.approx(norm.ppf(0.975) / 20, rel=0.05)


def test_equal_means_are_no_claim_and_swapped_sides_change_the_sign() -> None:
    rng = np.random.default_rng(6)
    one, two = rng.random(50).tolist(), rng.random(50).tolist()
    same = bootstrap_of_means(one, one)
    assert (same["p_value"], same["delta"]) == (1, 0)
    there, back = bootstrap_of_means(one, two), bootstrap_of_means(two, one)
    assert there["delta"] == -back["delta"] != 0 and there["p_value"] == back["p_value"]
    assert (there["baseline"], there["system"]) == (back["system"], back["baseline"])
    assert bootstrap_of_means(one, [value + 1 for value in one])["p_value"] == 1 / 1001


def test_of_means_the_seed_counts_and_the_signature_tells_it() -> None:
    one, two = np.random.default_rng(7).random((2, 60)).tolist()
    assert bootstrap_of_means(one, two) == bootstrap_of_means(one, two)
    assert bootstrap_of_means(one, two, seed=1)["mean"] != bootstrap_of_means(one, two)["mean"]
    assert bootstrap_of_means(one, two, samples=200)["signature"] == "bs:200|seed:12345"
    assert bootstrap_of_means(one, two).keys() == paired_bootstrap(REFERENCES, REFERENCES, REFERENCES).keys()


@pytest.mark.parametrize("sides", [([1.0], [1.0, 2.0]), ([], [])])
def test_unpaired_items_are_refused(sides: tuple[list[float], list[float]]) -> None:
    with pytest.raises(InputError, match=f"{len(sides[0])} and {len(sides[1])} items of baseline and system"):
        bootstrap_of_means(*sides)
