"""A run says at its end which rows are degenerate, and the tables wait for the signs of their rows."""

import json
import re
from pathlib import Path

RUN = "results/demo/demo.xsum.src-tgt/bart-janus-paper-nar/seed-1"
SICK = (
    "1 row is degenerate: bart-janus-paper-nar nar-1 on demo.xsum.src-tgt, seed 1; see `janus vital-signs results/demo`"
)


def write_signs(own, mode, reasons):
    path = own.folder / RUN / f"decode/{mode}.vital.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"signs": {}, "degenerate": reasons}), encoding="utf-8")
    return path


def test_a_run_ends_with_one_line_where_a_row_is_degenerate(own):
    write_signs(own, "nar-1", ["64% of the outputs are empty"])
    write_signs(own, "nar-2", [])
    assert "degenerate" not in own.snakemake("-n", "figure2").stdout
    done = own.snakemake("--cores", "1", "figure2")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(SICK) == done.stdout.count("degenerate") == 1


def test_signs_that_cannot_be_read_are_one_line_and_no_failure(own):
    write_signs(own, "nar-1", []).write_text("")
    done = own.snakemake("--cores", "1", "results/demo/figures/figure2.svg")
    assert done.returncode == 0, done.stdout
    assert f"error: {RUN}/decode/nar-1.vital.json:1: not JSON" in done.stdout and "Traceback" not in done.stdout


def test_passes_are_compared_with_the_fewest_of_the_tables(snakemake):
    listed = snakemake("--summary", f"{RUN}/score/nar-11.json").stdout
    assert f"{RUN}/decode/nar-1.bpe\t" in listed and f"{RUN}/decode/nar-11.vital.json\t" in listed
    assert f"{RUN}/decode/nar-5.bpe\t" not in listed


def test_the_tables_wait_for_no_row_that_only_an_overview_shows(plan):
    """The README says how many models the tables train."""
    tables, overviews = plan("paper_tables"), plan("overviews")
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    assert tables["train"] + tables["pretrain"] == int(re.search(r"trains (\d+) tiny models", readme)[1])
    assert tables["vital_signs"] == overviews["zoo_vital_signs"] == 1
    assert "zoo_vital_signs" not in tables and "vital_signs" not in overviews


def test_names_of_overviews_may_have_a_hyphen(plan):
    counts = plan("overviews", "--configfile", "config/zoo-cpu.yaml")
    assert counts["zoo_vital_signs"] == counts["zoo_distilled_vital_signs"] == 1
