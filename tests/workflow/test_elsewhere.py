"""The workflow in another folder than its own: products go there, the project is read from where it lies."""

import json
from pathlib import Path

import pytest
import yaml

# What a tier's plan needs to be told: the terms that it accepts.
TIERS = {
    "demo": ("--configfile", "config/demo.yaml"),
    "paper": ("--configfile", "config/paper.yaml", "--config", 'accept=["glge","bookcorpus"]'),
}
WAYS = {
    "--directory": ("", ("--directory", "{elsewhere}"), "demo"),
    "--directory, another tier": ("", ("--directory", "{elsewhere}"), "paper"),
    "from a folder below": ("envs", ("-s", "../Snakefile"), "demo"),
    "from workflow/": ("workflow", (), "demo"),
    "the other entry file": ("config", ("-s", "../workflow/Snakefile"), "demo"),
}


@pytest.fixture(scope="module")
def at_home(checkout, plan):
    """The plans of the tiers in the project's own folder."""
    return {tier: plan(*words) for tier, words in TIERS.items()}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_plans_everything(way, at_home, checkout, snakemake, counts_of, tmp_path):
    below, words, tier = WAYS[way]
    if tier != "demo":
        option, config, *rest = TIERS[tier]
        words = (*words, option, str(checkout / config), *rest)
    done = snakemake("-n", *(word.format(elsewhere=tmp_path) for word in words), below=below)
    assert done.returncode == 0, done.stdout
    assert "Using workflow specific profile" in done.stdout
    assert counts_of(done.stdout) == at_home[tier]


def test_products_go_below_the_directory_and_nothing_is_left_in_the_project(own, tmp_path):
    before = {path.relative_to(own.folder) for path in own.folder.rglob("*") if ".snakemake" not in path.parts}
    words = ("--cores", "1", "figure2", "table1", "--configfile", str(own.folder / "config/small-cpu.yaml"))
    done = own.snakemake("--directory", str(tmp_path / "my results"), *words)
    assert done.returncode == 0, done.stdout
    made = {path.relative_to(tmp_path / "my results/results/small-cpu") for path in tmp_path.rglob("*.svg")}
    assert made == {Path("figures/figure2.svg")}
    assert (tmp_path / "my results/results/small-cpu/tables/table1.md").is_file()
    after = {path.relative_to(own.folder) for path in own.folder.rglob("*") if ".snakemake" not in path.parts}
    assert {path for path in after - before if "__pycache__" not in path.parts} == set()


def test_files_of_the_config_are_sought_where_it_runs_and_then_in_the_project(own, tmp_path):
    tier = yaml.safe_load((own.folder / "config/small-cpu.yaml").read_text(encoding="utf-8"))
    systems = yaml.safe_load((own.folder / "config/systems.yaml").read_text(encoding="utf-8"))
    systems["transformer"]["unknown"] = 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/systems.yaml").write_text(yaml.safe_dump(systems, allow_unicode=True), encoding="utf-8")
    (tmp_path / "tier.yaml").write_text(yaml.safe_dump(tier | {"systems_file": "mine/systems.yaml"}), encoding="utf-8")
    words = ("-n", "table1", "--directory", str(tmp_path), "--configfile", str(tmp_path / "tier.yaml"))
    assert "error: mine/systems.yaml: transformer: unknown key 'unknown'" in own.snakemake(*words).stdout
    (tmp_path / "mine/systems.yaml").unlink()
    assert "error: mine/systems.yaml: cannot be read" in own.snakemake(*words).stdout
    (own.folder / "mine").mkdir()
    (own.folder / "config/systems.yaml").rename(own.folder / "mine/systems.yaml")
    done = own.snakemake(*words)
    assert done.returncode == 0, done.stdout


def test_a_training_elsewhere_finds_its_plugin(own, tmp_path):
    tiny = {
        "model": {"layers": 1, "embed_dim": 8, "ffn_dim": 8, "heads": 1},
        "training": {"max_update": 1, "average_checkpoints": 1},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny), encoding="utf-8")
    product = "results/demo/demo.iwslt14.de-en/transformer/seed-1/train.json"
    words = ("--cores", "1", product, "--directory", str(tmp_path), "--configfile", str(tmp_path / "tiny.yaml"))
    done = own.snakemake(*words)
    assert done.returncode == 0, done.stdout
    record = json.loads((tmp_path / product).read_text(encoding="utf-8"))
    # What a table's notes compare; here mostly 8 a word.
    assert record["parameters"] > 1000
    arguments = record["arguments"]
    assert arguments[arguments.index("--user-dir") + 1] == str(own.folder / "janus/plugin")
