"""What Snakemake plans: each target, tier, profile and entry file."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tier_files import TIERS

from janus.config.tiers import read_yaml

CONFIG = Path(__file__).resolve().parents[2] / "config"
PROFILES = Path(__file__).resolve().parents[2] / "workflow/profiles"
TABLES = [f"table{number}" for number in range(1, 9)]
FIGURES = [f"figure{number}" for number in (2, 4, 5, 6)]
# The site's part of a run on Kubernetes.
KUBERNETES_SITE = """
kubernetes-namespace: janus
kubernetes-persistent-volumes: ["janus:/workdir/results"]
set-resources:
  train: {gpu_manufacturer: nvidia}
"""
ACCEPTED = ("--config", 'accept=["glge","bookcorpus"]')


def test_a_plan_imports_no_library_that_only_jobs_need():
    rules = (CONFIG.parent / "workflow/rules").glob("*.smk")
    lines = [line for path in rules for line in path.read_text().splitlines() if re.match(r"(from|import) ", line)]
    assert any("janus.report.overview" in line for line in lines)
    program = "\n".join([*lines, "import sys", "print(*{name.partition('.')[0] for name in sys.modules})"])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CONFIG.parent
    )
    assert not {"sacremoses", "fairseq", "matplotlib"} & set(done.stdout.split())


@pytest.mark.parametrize("words", [(), ("-s", "workflow/Snakefile")], ids=["root", "workflow"])
def test_a_bare_dry_run_plans_everything_with_the_default_profile(snakemake, counts_of, words):
    done = snakemake("-n", *words)
    assert done.returncode == 0, done.stdout
    assert "Using workflow specific profile" in done.stdout
    counts = counts_of(done.stdout)
    assert counts["train"] > 1
    assert {f"render_{name}" for name in TABLES} | {f"draw_{name}" for name in FIGURES} <= set(counts)


@pytest.mark.parametrize("target", [*TABLES, *FIGURES, "paper_tables", "paper_figures", "claims", "all"])
def test_each_public_target_shows_its_plan(plan, target):
    counts = plan(target)
    assert counts[target] == 1
    wanted = {f"render_{target}", f"draw_{target}", f"judge_{target}"}
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
    counts = plan("paper_tables", "paper_figures", "--configfile", f"config/{tier}.yaml", *ACCEPTED)
    assert counts["train"] + counts.get("pretrain", 0) == counts["average"] > 0
    assert {f"render_{name}" for name in TABLES} | {"draw_figure2"} <= set(counts)
    figures = read_yaml(CONFIG / f"{tier}.yaml").get("figures", {})
    assert ("draw_figure4" in counts) == ("figure4" in figures)


def test_the_paper_tier_plans_both_halves(plan):
    counts = plan("paper_tables", "--configfile", "config/paper.yaml", *ACCEPTED)
    assert counts["prepare"] == counts["binarise"] == 5 + 3
    # Translation: five systems on five corpora, and three more rows of Table 6 on two of them. Generation: six rows of
    # each of Tables 2, 4 and 5; Tables 7 and 8 share BART-JANUS with them and add two.
    assert counts["train"] == 5 * 5 + 3 * 2 + 3 * 6 + 2 * 2
    # BART-JANUS in two recipes and BART-CMLM, from the published BART.
    assert (counts["pretrain"], counts["write_start"]) == (3, 1)
    # 41 files of Wikipedia and the books, to 64 shards and a validation text.
    assert (counts["prepare_part"], counts["encode_text"], counts["binarise_text"]) == (42, 65, 64)
    # Four AR rows decode once, two NAR rows after four numbers of passes; Tables 7 and 8 add two, decoded once.
    assert counts["score_task"] == 3 * (4 + 2 * 4) + 2 * 2
    # JANUS in two recipes against a baseline in each manner, and CMLM+Corr against CMLM, on each corpus. On those of
    # Table 6 AUX, AR+NAR and AR+NAR+KL too, and in each manner AR+NAR+KL against AR+NAR and JANUS against AR+NAR+KL.
    assert counts["compare"] == 5 * (2 * 2 + 1) + 2 * (3 * 2 + 2 + 2 * 2)
    # BART-JANUS in two recipes against BART-base in Tables 2, 4 and 5; Tables 7 and 8 test BART-CMLM too, and both
    # recipes against it.
    assert counts["compare_task"] == 3 * 2 + 2 * (3 + 2)


def test_text_is_encoded_by_several_processes(own):
    done = own.snakemake("--cores", "2", "results/demo/demo/text/blocks/valid.txt", "--set-threads", "encode_text=2")
    assert done.returncode == 0, done.stdout
    facts = json.loads((own.folder / "results/demo/demo/text/blocks/valid.txt.json").read_text())
    lines = (own.folder / "results/demo/demo/text/blocks/valid.txt").read_text().splitlines()
    assert facts["blocks"] == len(lines) > 50


def test_a_tier_file_stands_alone(plan):
    """The demo's corpora must not leak into another tier."""
    assert plan("--configfile", "config/multi30k-cpu.yaml")["prepare"] == 1


def test_a_file_without_a_tier_is_laid_over_the_demo(checkout, plan, tmp_path):
    seeds = tmp_path / "seeds.yaml"
    seeds.write_text("seeds: [1, 2]\n")
    once, twice = plan(), plan("--configfile", str(seeds))
    assert twice["train"] == 2 * once["train"]
    assert twice["pretrain"] == once["pretrain"] == 4


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_the_profiles_of_clusters_leave_the_sites_matters_to_the_site(profile):
    text = (PROFILES / profile / "profile.yaml").read_text()
    keys = [line.split(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert len(keys) == len(set(keys))
    assert not {"default-resources", "set-resources", "slurm-partition-config"} & set(keys)


@pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_kubernetes") is None,
    reason="snakemake-executor-plugin-kubernetes is not installed",
)
def test_the_kubernetes_profile_plans_the_paper(snakemake, counts_of, tmp_path):
    """Nothing more of it has been tried."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "profile.yaml").write_text(KUBERNETES_SITE, encoding="utf-8")
    words = ["--profile", str(site), "--workflow-profile", "kubernetes", "--configfile", "config/paper.yaml"]
    done = snakemake("-n", "paper_tables", *words, *ACCEPTED)
    assert done.returncode == 0, done.stdout
    assert "profiles/kubernetes" in done.stdout.splitlines()[0]
    assert counts_of(done.stdout)["train"] == 5 * 5 + 3 * 2 + 3 * 6 + 2 * 2


def test_numbers_are_numbers_however_they_are_written(plan, tmp_path):
    over = tmp_path / "over.yaml"
    over.write_text('training: {lr: 5e-4, max_update: 1e3}\nseeds: ["1", "2"]\n', encoding="utf-8")
    from_file = plan("table1", "--configfile", str(over))
    from_words = plan("table1", "--config", "training={lr: 5e-4, max_update: 1e3}", "seeds=[1, 2]")
    assert from_file == from_words and from_file["train"] % 2 == 0


@pytest.mark.slow
def test_the_scheduler_looks_at_the_jobs_once_for_each_that_ends(own):
    """Snakemake's default limit of jobs a second would wake it every second, and that for each job that has ended."""
    names = ("iwslt14.de-en", "wmt16.ro-en", "xsum.src-tgt")
    corpora = [f"results/demo/demo.{name}/corpus/corpus.json" for name in names]
    done = own.snakemake("--cores", "1", "--verbose", "--scheduler", "greedy", *corpora)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Ready jobs:") == done.stdout.count("Finished jobid:") >= 3
