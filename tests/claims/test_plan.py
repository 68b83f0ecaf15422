"""Which runs test which claims, and what is said where there are none."""

from typing import Any

import pytest
from checked_tiers import systems_of
from claims.finished_run import CORPORA, IWSLT, ROOT, SCHEMAS, STATEMENTS, SYSTEMS, WMT, XSUM, comparisons_of, tier
from tier_files import TIERS

from janus.claims.decodings import decoded_modes, timed_modes
from janus.claims.plan import Planner, files_of
from janus.config.tiers import check, read_yaml


def of(statement: str, **changes: Any) -> list[dict[str, Any]]:
    return [one for one in comparisons_of(tier(**changes), "results/made") if one["statement"] == statement]


@pytest.mark.parametrize("name", TIERS)
def test_every_claim_stands_in_the_plan_of_every_tier(name: str) -> None:
    config = check(read_yaml(ROOT / f"config/{name}.yaml"), SCHEMAS / "tier.schema.yaml", where=name)
    comparisons = Planner(config, systems_of(name), CORPORA, f"results/{name}").comparisons(STATEMENTS)
    assert list(dict.fromkeys(one["statement"] for one in comparisons)) == [one.id for one in STATEMENTS]
    assert all(one.get("lacks") or one["trials"] for one in comparisons)
    # Claims are about rows of the paper's tables.
    assert any("trials" in one for one in comparisons) == any(table.startswith("table") for table in config["tables"])


def test_a_claim_is_tested_on_every_corpus_with_both_rows() -> None:
    [one] = of("ar-gain")
    assert (one["left"], one["right"]) == ("JANUS (paper) AR", "Transformer AR")
    assert [trial["corpus"] for trial in one["trials"]] == [IWSLT, WMT]
    left = one["trials"][0]["left"]
    run = f"results/made/{IWSLT}/janus-paper/seed-2"
    assert left["files"][2] == f"{run}/decode/ar.bpe" and left["vital"][2] == f"{run}/decode/ar.vital.json"
    assert left["origin"]["trainings"][2] == f"{run}/train.json"
    assert one["trials"][0]["test_set"] == {
        "task": "translation",
        "references": f"results/made/{IWSLT}/corpus/tok/test.{CORPORA[IWSLT].target}",
        "sources": f"results/made/{IWSLT}/corpus/tok/test.{CORPORA[IWSLT].source}",
        "vocabulary": None,
        "judge": ["grammar", CORPORA[IWSLT].source, CORPORA[IWSLT].target],
    }
    [one] = of("kl-nar")
    assert [trial["corpus"] for trial in one["trials"]] == [IWSLT]


def test_both_recipes_of_a_row_are_tested() -> None:
    tables = tier()["tables"]
    tables["table1"]["systems"].append("janus-release")
    pairs = [(one["left"], one["right"]) for one in of("nar-gain", tables=tables)]
    right = "CMLM NAR, 11 passes"
    assert pairs == [("JANUS (paper) NAR, 11 passes", right), ("JANUS (release) NAR, 11 passes", right)]


def test_passes_are_compared_within_a_system_and_manners_within_a_pre_training() -> None:
    tables = tier()["tables"]
    tables["table2"]["systems"] += ["bart-janus-release-ar", "bart-janus-release-nar"]
    tables["table2"]["passes"] = [1, 2, 5, 11]
    pairs = [(one["left"], one["right"]) for one in of("xsum-passes-2", tables=tables)]
    assert pairs == [
        (f"BART-JANUS ({name}) NAR, 2 passes", f"BART-JANUS ({name}) NAR, 1 pass") for name in ("paper", "release")
    ]
    pairs = [(one["left"], one["right"]) for one in of("xsum-reaches-ar", tables=tables)]
    assert pairs == [
        (f"BART-JANUS ({name}) NAR, 11 passes", f"BART-JANUS ({name}) AR") for name in ("paper", "release")
    ]


@pytest.mark.parametrize(
    ("statement", "lacks"),
    [
        ("nar-flowseq", "lacks rows Flowseq"),
        ("aux-alone-ar", "lacks rows AUX AR"),
        ("xsum-passes-2", "lacks rows BART-JANUS NAR iter 1"),
        ("three-iterations", "lacks rows JANUS-NAR, 4 passes"),
        ("speed-of-cmlm", "lacks speeds of rows JANUS-NAR, 11 passes and CMLM NAR, 11 passes"),
        ("squad-pretraining-cmlm", "lacks rows BART-JANUS and BART-CMLM"),
    ],
)
def test_what_is_lacking_is_named(statement: str, lacks: str) -> None:
    assert of(statement) == [{"statement": statement, "lacks": lacks}]


def test_rows_without_a_corpus_in_common_are_told() -> None:
    tables = tier()["tables"]
    tables["table1"] |= {"systems": ["janus-paper"], "columns": {IWSLT: "IWSLT14 De→En"}}
    tables["table6"] |= {"systems": ["cmlm"], "columns": {WMT: "WMT16 Ro→En"}}
    assert of("nar-gain", tables=tables) == [{"statement": "nar-gain", "lacks": "lacks a corpus with both rows"}]


def test_an_untested_statement_says_why() -> None:
    [one] = of("same-scale")
    assert one["lacks"].startswith("Figure 6 draws the losses")


def test_a_tier_may_ask_for_some_claims_only() -> None:
    asked = comparisons_of(tier(claims={"ids": ["kl-ar", "ar-gain"]}), "results/made")
    assert [one["statement"] for one in asked] == ["ar-gain", "kl-ar"]


def test_nothing_is_decoded_or_timed_for_a_claim_alone() -> None:
    config = tier()
    decoded, timed = decoded_modes(config, SYSTEMS), timed_modes(config, SYSTEMS)
    assert decoded[IWSLT, "janus-paper"] == {"ar", "nar-11"} and decoded[IWSLT, "cmlm"] == {"nar-11"}
    assert decoded[XSUM, "bart-janus-paper-nar"] == {"nar-1", "nar-11"} == timed[XSUM, "bart-janus-paper-nar"]
    assert timed[XSUM, "bart-base-ar"] == {"ar"} and (IWSLT, "janus-paper") not in timed


def test_table_3_decodes_no_ar_and_figure_4_decodes_both() -> None:
    tables = {"table3": {"corpus": IWSLT, "systems": ["janus-paper"], "passes": [2, 5]}}
    assert decoded_modes(tier(tables=tables), SYSTEMS) == {(IWSLT, "janus-paper"): {"nar-2", "nar-5"}}
    figures = {"figure4": {"corpus": IWSLT, "systems": ["janus-paper"], "passes": [1]}}
    both = tier(tables=tables, figures=figures)
    assert decoded_modes(both, SYSTEMS) == {(IWSLT, "janus-paper"): {"nar-1", "nar-2", "nar-5", "ar"}}
    assert timed_modes(both, SYSTEMS) == {(IWSLT, "janus-paper"): {"nar-1", "ar"}}


def test_the_files_of_all_comparisons_stand_once() -> None:
    found = files_of(comparisons_of(tier(), "results/made"))
    assert all(len(paths) == len(set(paths)) for paths in found.values())
    assert f"results/made/{XSUM}/bart-base-ar/seed-1/latency.json" in found["outputs"]
    assert found["texts"] == [f"results/made/{corpus}/corpus/tok" for corpus in (IWSLT, WMT, XSUM)]
    assert found["vocabularies"] == ["results/made/vocabularies/demo"]
    assert len(found["outputs"]) > len(found["vital"]) > len(found["trainings"]) > 0
