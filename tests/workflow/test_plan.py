"""What Snakemake plans: each target, tier, profile and entry file."""

from pathlib import Path

import pytest

SLURM = Path(__file__).resolve().parents[2] / "workflow/profiles/slurm/profile.yaml"
TABLES = [f"table{number}" for number in range(1, 9)]
FIGURES = [f"figure{number}" for number in (2, 4, 5, 6)]
TIERS = ("demo", "multi30k", "multi30k-cpu", "paper")


@pytest.mark.parametrize("words", [(), ("-s", "workflow/Snakefile")], ids=["root", "workflow"])
def test_a_bare_dry_run_plans_everything_with_the_default_profile(snakemake, counts_of, words):
    done = snakemake("-n", *words)
    assert done.returncode == 0, done.stdout
    assert "Using workflow specific profile" in done.stdout
    counts = counts_of(done.stdout)
    assert counts["train"] > 1
    assert {f"render_{name}" for name in TABLES} | {f"draw_{name}" for name in FIGURES} <= set(counts)


@pytest.mark.parametrize("target", [*TABLES, *FIGURES, "paper_tables", "paper_figures", "all"])
def test_each_public_target_shows_its_plan(plan, target):
    counts = plan(target)
    assert counts[target] == 1
    wanted = {f"render_{target}", f"draw_{target}"}
    assert target in ("paper_tables", "paper_figures", "all") or wanted & set(counts)


def test_download_is_a_target_of_its_own(plan):
    assert plan("download", "--configfile", "config/multi30k.yaml") == {"fetch": 6, "download": 1}


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_each_shipped_profile_is_found_by_name(snakemake, profile):
    # Snakemake ignores a workflow profile that does not exist, so what it says is looked at.
    done = snakemake("-n", "--workflow-profile", profile)
    assert done.returncode == 0, done.stdout
    assert f"profiles/{profile}" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_plans_tables_and_figures(plan, tier):
    counts = plan("paper_tables", "paper_figures", "--configfile", f"config/{tier}.yaml")
    assert counts["train"] == counts["average"] > 0
    assert {"render_table1", "render_table3", "render_table6", "draw_figure4"} <= set(counts)


def test_the_paper_tier_plans_the_whole_translation_half(plan):
    counts = plan("paper_tables", "--configfile", "config/paper.yaml")
    assert counts["prepare"] == counts["binarise"] == 5
    # Five systems on five corpora, and three more rows of Table 6 on two of them.
    assert counts["train"] == 5 * 5 + 3 * 2
    # JANUS in two recipes against a baseline in each manner, and CMLM+Corr against CMLM, on each corpus.
    assert counts["compare"] == 5 * (2 * 2 + 1)


def test_a_tier_file_stands_alone(plan):
    """The demo's corpora must not leak into another tier."""
    assert plan("--configfile", "config/multi30k-cpu.yaml")["prepare"] == 1


def test_a_file_without_a_tier_is_laid_over_the_demo(checkout, plan, tmp_path):
    seeds = tmp_path / "seeds.yaml"
    seeds.write_text("seeds: [1, 2]\n")
    assert plan("--configfile", str(seeds))["train"] == 2 * plan()["train"]


def test_the_slurm_profile_leaves_the_sites_matters_to_the_site():
    keys = [line.split(":")[0] for line in SLURM.read_text().splitlines() if line[:1].isalpha()]
    assert len(keys) == len(set(keys))
    assert not {"default-resources", "set-resources", "slurm-partition-config"} & set(keys)
