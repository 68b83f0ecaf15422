"""`snakemake claims`: what it plans, and that the rule renders a run."""

import json

import pytest
import yaml
from claims.finished_run import IWSLT, STATEMENTS, tier, write_run

TIER = ("--configfile", "config/made.yaml")


# Rules whose output is a folder; that of `prepare` is one in part.
FOLDERS = ("learn_bpe", "encode", "binarise", "make_vocabulary", "binarise_text")


@pytest.fixture(scope="module")
def made(fresh_checkout):
    """A checkout in which all that the claims of a tier rest on seems to be made, and what they are judged from is."""
    own, config = fresh_checkout(), tier()
    (own.folder / "config/made.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    summary = own.snakemake("--summary", "claims", *TIER)
    assert summary.returncode == 0, summary.stdout
    lines = [line.split("\t") for line in summary.stdout.splitlines() if "\t" in line]
    for name, _, rule, *_ in lines[1:]:
        path = own.folder / name
        if rule in FOLDERS or path.name in ("tok", "raw"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A plan reads the record of an average, to know whether it is stale.
            path.write_text("{}" if path.name == "averaged.json" else "")
    (own.folder / "results/made/vocabularies/demo").rmdir()
    write_run(config, "results/made", own.folder)
    touched = own.snakemake("--touch", "--cores", "1", "claims", *TIER)
    assert touched.returncode == 0, touched.stdout
    for path in [*own.folder.glob("results/made/tables/*"), *own.folder.glob("results/made/figures/*")]:
        path.unlink()
    return own


def test_the_rule_renders_table_and_plot_with_their_provenance(made):
    assert made.plan("claims", *TIER) == {"judge_claims": 1, "claims": 1}
    done = made.snakemake("--cores", "1", "claims", *TIER)
    assert done.returncode == 0, done.stdout
    results = made.folder / "results/made"
    names = {path.name for folder in ("tables", "figures") for path in (results / folder).iterdir()}
    assert names == {f"claims.{suffix}" for suffix in ("md", "csv", "tex", "html", "json", "svg", "pdf", "png")}
    text = (results / "tables/claims.md").read_text(encoding="utf-8")
    assert all(f"| {one.id} |" in text for one in STATEMENTS)
    assert "| ar-gain | supported |" in text and "no evidence about the paper" in text
    record = json.loads((results / "tables/claims.json").read_text(encoding="utf-8"))
    assert record["resamples"] == 400 and record["revision"] and record["comparisons"][0]["statement"] == "ar-gain"
    drawn = json.loads((results / "figures/claims.json").read_text(encoding="utf-8"))
    assert f"results/made/{IWSLT}/janus-paper/seed-1/decode/ar.bpe" in drawn["files"]
    assert made.plan("claims", *TIER) == {}


def test_another_number_of_resamples_judges_again_and_decodes_nothing(made):
    assert made.plan("claims", *TIER, "--config", "claims={resamples: 500}") == {"judge_claims": 1, "claims": 1}


def test_claims_add_no_decoding_to_what_is_shown(plan):
    everything, shown = plan("all"), plan("paper_tables", "paper_figures", "overviews")
    assert everything["decode"] == shown["decode"] and everything["measure_latency"] == shown["measure_latency"]
    assert everything["judge_claims"] == 1


def test_a_tier_that_tests_none_has_no_plot(own):
    own.edit("config/demo.yaml", lambda config: config.update(claims={"ids": ["squad-semi"]}))
    listed = own.snakemake("--summary", "claims").stdout
    assert "results/demo/tables/claims.md\t" in listed and "figures/claims" not in listed
    done = own.snakemake("--cores", "1", "claims")
    assert done.returncode == 0, done.stdout
    assert "lacks rows BANG semi-NAR" in (own.folder / "results/demo/tables/claims.md").read_text(encoding="utf-8")
