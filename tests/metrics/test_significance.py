"""The tests against sacreBLEU's own, and what a test of significance must do."""

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
from janus.metrics.significance import compare_means, compare_outputs
from janus.metrics.translation import sacre_bleu

REFERENCES = read_lines(Path(__file__).parent / "tatoeba" / "tok.de")


def damage(share: float, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join("x" if rng.random() < share else word for word in line.split()) for line in REFERENCES]


@pytest.mark.parametrize("share", [0.18, 0.2, 0.25])
def test_both_are_the_tests_of_the_sacrebleu_command(tmp_path: Path, share: float) -> None:
    baseline, system = damage(0.2, 1), damage(share, 2)
    for name, lines in {"ref": REFERENCES, "one": baseline, "two": system}.items():
        write_lines(tmp_path / name, lines)

    def theirs(*test: str) -> dict[str, float]:
        words = ["ref", "-i", "one", "two", "-m", "bleu", *test, "--format", "json"]
        run = subprocess.run(
            [sys.executable, "-m", "sacrebleu", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "SACREBLEU_SEED": "12345"},
        )
        return json.loads(run.stdout)[1]["BLEU"]

    bootstrap = theirs("--paired-bs", "--paired-bs-n", "300")
    randomisation = theirs("--paired-ar", "--paired-ar-n", "400")
    ours = compare_outputs(baseline, system, REFERENCES, metric=sacre_bleu(False), samples=300, trials=400)
    assert ours["system"] == pytest.approx(bootstrap["score"])
    assert (ours["mean"], ours["ci"]) == pytest.approx((bootstrap["mean"], bootstrap["ci"]))
    assert ours["p_bootstrap"] == pytest.approx(bootstrap["p_value"])
    assert ours["p_randomisation"] == pytest.approx(randomisation["p_value"])
    assert ours["p_value"] == max(ours["p_bootstrap"], ours["p_randomisation"])


@pytest.mark.parametrize(
    "sides",
    [
        (REFERENCES, REFERENCES),
        ([""] * len(REFERENCES), [""] * len(REFERENCES)),
        # BLEU is 0 on every resample, whatever the outputs are.
        ([""] * len(REFERENCES), ["x"] * len(REFERENCES)),
    ],
    ids=["equal", "empty", "no match"],
)
def test_outputs_that_score_alike_on_every_resample_are_not_told_apart(sides: tuple[list[str], list[str]]) -> None:
    found = compare_outputs(*sides, REFERENCES, samples=50, trials=50)
    assert (found["delta"], found["p_value"], found["p_bootstrap"], found["p_randomisation"]) == (0, 1, 1, 1)


@pytest.mark.slow
def test_where_nothing_differs_one_draw_in_a_hundred_is_significant_at_most() -> None:
    """Item scores of two systems from one distribution: the bootstrap exceeds its level, the larger p does not."""
    rng = np.random.default_rng(11)
    draws, level = 1500, 0.01
    found = []
    for _ in range(draws):
        one, two = rng.normal(size=(2, 60))
        found.append(compare_means(one.tolist(), two.tolist(), samples=300, trials=300))
    shares = {name: np.mean([test[name] < level for test in found]) for name in ("p_bootstrap", "p_value")}
    assert shares["p_bootstrap"] > 1.3 * level
    assert shares["p_value"] < level + 2 * (level / draws) ** 0.5
    # At 5 % there are enough draws to see that it is not merely never significant.
    assert 0.02 < np.mean([test["p_value"] < 0.05 for test in found]) < 0.05 + 2 * (0.05 / draws) ** 0.5


@pytest.mark.slow
def test_of_bleu_too_one_draw_in_a_hundred_is_significant_at_most() -> None:
    """Each output of either system is one of two damaged copies, by a coin: nothing but chance tells them apart."""
    one, two = damage(0.3, 1), damage(0.3, 2)
    rng, draws, significant = np.random.default_rng(3), 150, 0
    for _ in range(draws):
        coins = rng.integers(2, size=len(one))
        sides = [[pair[coin ^ side] for pair, coin in zip(zip(one, two), coins)] for side in (0, 1)]
        significant += compare_outputs(*sides, REFERENCES, samples=120, trials=200)["p_value"] < 0.01
    assert significant <= 0.01 * draws + 2 * (0.01 * draws) ** 0.5


def test_randomisation_of_means_is_exact_where_every_swap_can_be_tried() -> None:
    one, two = np.random.default_rng(8).random((2, 9))
    signs = np.array([[1 if number >> bit & 1 else -1 for bit in range(9)] for number in range(512)])
    exact = np.mean(np.abs(signs @ (two - one)) >= abs((two - one).sum()) - 1e-12)
    found = compare_means(one.tolist(), two.tolist(), trials=40000)
    assert found["p_randomisation"] == pytest.approx(exact, abs=0.01)


def test_a_clear_gain_is_significant_and_a_draw_is_not() -> None:
    gain = compare_outputs(damage(0.5, 1), damage(0.05, 2), REFERENCES, samples=200)
    assert gain["delta"] > 0 and gain["p_value"] < 0.01
    draw = compare_outputs(damage(0.2, 1), damage(0.2, 2), REFERENCES, samples=200)
    assert draw["p_value"] > 0.05
    loss = compare_outputs(damage(0.05, 2), damage(0.5, 1), REFERENCES, samples=200)
    assert loss["delta"] == pytest.approx(-gain["delta"]) and loss["p_value"] == gain["p_value"]


def test_equal_calls_give_equal_results_and_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    first, second = (compare_outputs(damage(0.3, 1), damage(0.2, 2), REFERENCES, samples=100) for _ in range(2))
    assert first == second
    assert "seed:12345" in first["signature"]
    assert os.environ["SACREBLEU_SEED"] == "7"
    assert compare_outputs(damage(0.3, 1), damage(0.2, 2), REFERENCES, samples=100, seed=1) != first


def test_unaligned_outputs_are_refused() -> None:
    with pytest.raises(InputError, match="60, 59 and 60 lines"):
        compare_outputs(REFERENCES, REFERENCES[1:], REFERENCES)


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
    ours = compare_means(*items, samples=samples)
    assert ours["p_bootstrap"] == pytest.approx(after.p_value, abs=1e-12)
    expected = (before.score, after.score, after.mean, after.ci)
    assert [ours[name] for name in ("baseline", "system", "mean", "ci")] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("errors", [1.5, 2.0, 2.5])
def test_of_a_clear_difference_p_is_one_tail_of_the_normal_distribution_or_both(errors: float) -> None:
    noise = np.random.default_rng(5).normal(size=400)
    noise = (noise - noise.mean()) / noise.std()
    system = noise + errors / 20
    found = compare_means([0.0] * 400, system.tolist(), samples=20000)
    assert found["delta"] == pytest.approx(errors / 20)
    tail = norm.sf(errors)
    assert found["p_bootstrap"] == pytest.approx(tail, abs=0.25 * tail)
    assert found["p_randomisation"] == pytest.approx(2 * tail, abs=0.5 * tail)
    assert found["p_value"] == found["p_randomisation"]
    assert found["ci"] == pytest.approx(norm.ppf(0.975) / 20, rel=0.05)


def test_equal_means_are_no_claim_and_swapped_sides_change_the_sign() -> None:
    rng = np.random.default_rng(6)
    one, two = rng.random(50).tolist(), rng.random(50).tolist()
    same = compare_means(one, one)
    assert (same["p_value"], same["p_randomisation"], same["delta"]) == (1, 1, 0)
    there, back = compare_means(one, two), compare_means(two, one)
    assert there["delta"] == -back["delta"] != 0 and there["p_value"] == back["p_value"]
    assert (there["baseline"], there["system"]) == (back["system"], back["baseline"])
    assert compare_means(one, [value + 1 for value in one])["p_value"] == 1 / 1001


def test_of_means_the_seed_counts_and_the_signature_tells_it() -> None:
    one, two = np.random.default_rng(7).random((2, 60)).tolist()
    assert compare_means(one, two) == compare_means(one, two)
    assert compare_means(one, two, seed=1)["mean"] != compare_means(one, two)["mean"]
    assert compare_means(one, two, samples=200)["signature"] == "bs:200|ar:10000|seed:12345"
    assert compare_means(one, two).keys() == compare_outputs(REFERENCES, REFERENCES, REFERENCES).keys()


@pytest.mark.parametrize("sides", [([1.0], [1.0, 2.0]), ([], [])])
def test_unpaired_items_are_refused(sides: tuple[list[float], list[float]]) -> None:
    with pytest.raises(InputError, match=f"{len(sides[0])} and {len(sides[1])} items of baseline and system"):
        compare_means(*sides)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(value: float) -> None:
    """Or every comparison with it would be false, and the difference significant."""
    for sides in (([value, 1.0], [1.0, 1.0]), ([1.0, 1.0], [value, 1.0])):
        with pytest.raises(InputError, match="a score is not a finite number; score both outputs again"):
            compare_means(*sides)
