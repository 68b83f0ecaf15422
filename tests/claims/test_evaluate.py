"""From the files of a run to effects and verdicts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from claims.finished_run import IWSLT, STATEMENTS, WMT, comparisons_of, tier, write_run

from janus.claims.evaluate import Outcome, evaluate
from janus.errors import InputError
from janus.files import read_json, read_lines, write_json, write_lines
from janus.metrics.translation import tokenised_bleu


def outcomes_of(config: dict[str, Any], results: Path) -> dict[str, Outcome]:
    return {
        one.statement.id: one
        for one in evaluate(comparisons_of(config, results), STATEMENTS, resamples=config["claims"]["resamples"])
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "made"
    write_run(tier(), folder)
    return folder


@pytest.fixture(scope="module")
def outcomes(results: Path) -> dict[str, Outcome]:
    return outcomes_of(tier(), results)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    write_run(tier(), tmp_path / "made")
    return tmp_path / "made"


def test_effects_are_mean_differences_of_the_scores_of_the_tables(results: Path, outcomes: dict[str, Outcome]) -> None:
    references = read_lines(next((results / IWSLT / "corpus/tok").glob("test.*")))

    def bleu(system: str, seed: int) -> float:
        outputs = read_lines(results / IWSLT / system / f"seed-{seed}/decode/ar.bpe")
        return float(tokenised_bleu(outputs, references)["value"])

    gains = [bleu("janus-paper", seed) - bleu("transformer", seed) for seed in (1, 2, 3)]
    outcome = outcomes["ar-gain"]
    assert outcome.effects[0].corpus == IWSLT and outcome.effects[0].effect.seeds == 3
    assert outcome.effects[0].effect.point == pytest.approx(sum(gains) / 3)
    assert outcome.pooled.point == pytest.approx(sum(one.effect.point for one in outcome.effects) / 2)


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("ar-gain", "supported"),
        ("nar-gain", "supported"),
        ("repetition-11", "supported"),
        ("xsum-twice-as-fast", "supported"),
        # The two rows are drawn alike.
        ("kl-ar", "undecided"),
        ("xsum-ar", "undecided"),
        ("nar-flowseq", "not tested: lacks rows Flowseq"),
    ],
)
def test_verdicts_are_those_of_how_the_outputs_were_made(
    outcomes: dict[str, Outcome], statement: str, verdict: str
) -> None:
    assert str(outcomes[statement].verdict) == verdict


def test_a_claim_turned_round_is_contradicted(results: Path) -> None:
    turned = [replace(one, left=one.right, right=one.left) for one in STATEMENTS if one.id == "ar-gain"]
    [comparison] = [one for one in comparisons_of(tier(), results) if one["statement"] == "ar-gain"]
    trials = [trial | {"left": trial["right"], "right": trial["left"]} for trial in comparison["trials"]]
    [outcome] = evaluate([comparison | {"trials": trials}], turned, resamples=400)
    assert str(outcome.verdict) == "contradicted"


def test_no_statement_is_dropped(outcomes: dict[str, Outcome]) -> None:
    assert list(outcomes) == [one.id for one in STATEMENTS]
    assert all(one.effects or one.verdict.word == "not tested" for one in outcomes.values())


def test_what_was_unequal_stands_beside_the_verdict(outcomes: dict[str, Outcome]) -> None:
    [note] = outcomes["nar-gain"].notes
    assert note == "unequal: learning rate 0.001 and 0.0005"
    assert any("sinusoidal" in note for note in outcomes["ar-gain"].notes)
    assert outcomes["kl-ar"].notes == ()


def test_an_inequality_of_one_corpus_names_it(own: Path) -> None:
    for path in (own / WMT / "janus-paper").glob("seed-*/train.json"):
        record = read_json(path)
        record["arguments"][record["arguments"].index("--dropout") + 1] = "0.3"
        write_json(path, record)
    notes = outcomes_of(tier(), own)["nar-gain"].notes
    assert notes == (
        f"unequal: learning rate 0.001 and 0.0005 ({IWSLT})",
        f"unequal: learning rate 0.001 and 0.0005; dropout 0.3 and 0 ({WMT})",
    )


def test_a_victory_over_degenerate_output_is_none(own: Path) -> None:
    path = own / WMT / "cmlm/seed-2/decode/nar-11.vital.json"
    write_json(path, {"signs": {}, "degenerate": ["9 of 10 outputs are empty"]})
    outcome = outcomes_of(tier(), own)["nar-gain"]
    assert str(outcome.verdict) == "undecided: degenerate output"
    assert f"degenerate: CMLM (9 of 10 outputs are empty) ({WMT})" in outcome.notes
    expected = {"signs": {}, "degenerate": ["9 of 10 outputs are empty"], "expected": "it never ends"}
    write_json(path, expected)
    outcome = outcomes_of(tier(), own)["nar-gain"]
    assert str(outcome.verdict) == "supported"
    assert any("expected: it never ends" in note for note in outcome.notes)


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    alone = tier(seeds=[1])
    write_run(alone, tmp_path / "made")
    outcomes = outcomes_of(alone, tmp_path / "made")
    assert str(outcomes["ar-gain"].verdict) == "undecided: one seed, leans supported"
    assert str(outcomes["xsum-twice-as-fast"].verdict) == "undecided: one seed"
    assert {one.verdict.word for one in outcomes.values()} == {"undecided", "not tested"}


def test_files_that_do_not_pair_are_one_line(own: Path) -> None:
    path = own / IWSLT / "cmlm/seed-1/decode/nar-11.bpe"
    lines = read_lines(path)
    write_lines(path, lines[:-1])
    with pytest.raises(InputError, match=rf"{len(lines)} lines for {len(lines) - 1} hypotheses"):
        outcomes_of(tier(), own)
    comparisons = comparisons_of(tier(), own)
    [one] = [one for one in comparisons if one["statement"] == "nar-gain"]
    one["trials"][0]["right"]["files"] = {7: "elsewhere"}
    with pytest.raises(InputError, match="claim nar-gain: no seed that JANUS .paper. and CMLM share"):
        evaluate([one], STATEMENTS, resamples=100)
