"""Rows are config: a new one needs an entry and no rule, a changed one re-runs itself alone."""

import shutil

import pytest
import yaml

TINY = {
    "tier": "tiny",
    "corpora": ["multi30k.de-en"],
    "seeds": [1],
    "model": {"layers": 1, "embed_dim": 8, "ffn_dim": 8, "heads": 1},
    "training": {
        "max_update": 1,
        "max_tokens": 100,
        "lr": 0.001,
        "warmup_updates": 1,
        "dropout": 0.0,
        "weight_decay": 0.0,
        "average_checkpoints": 1,
    },
    "decoding": {"beam": 1, "lenpen": 1.0, "passes": 2, "length_beam": 1, "batch_tokens": 100},
    "tables": {
        "table1": {"systems": ["transformer", "janus-paper"], "columns": {"multi30k.de-en": {"new": "Multi30k"}}},
        "table3": {"corpus": "multi30k.de-en", "systems": ["janus-paper"], "passes": [2]},
        "table6": {"systems": ["transformer", "janus-paper"], "columns": {"multi30k.de-en": {"new": "Multi30k"}}},
    },
    "figures": {
        "figure4": {"corpus": "multi30k.de-en", "systems": ["janus-paper"], "passes": [2]},
        "figure5": {"corpus": "multi30k.de-en", "systems": ["janus-paper"]},
        "figure6": {"corpus": "multi30k.de-en", "systems": ["janus-paper"]},
    },
}
TIER = ("--configfile", "config/tiny.yaml")


def write_tier(own, tier=TINY):
    (own.folder / "config/tiny.yaml").write_text(yaml.safe_dump(tier, allow_unicode=True), encoding="utf-8")


def pretend_all_is_made(own):
    """Put an empty file wherever the plan has an output, and let Snakemake record that this config made it."""
    summary = own.snakemake("--summary", *TIER)
    assert summary.returncode == 0, summary.stdout
    lines = [line.split("\t") for line in summary.stdout.splitlines() if "\t" in line]
    for name, _, rule, *_ in lines[1:]:
        path = own.folder / name
        if rule in ("learn_bpe", "binarise") or path.name in ("tok", "raw"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    touched = own.snakemake("--touch", "--cores", "1", *TIER)
    assert touched.returncode == 0, touched.stdout
    assert own.plan(*TIER) == {}


@pytest.fixture(scope="module")
def made(fresh_checkout):
    """A copy of the checkout in which all of the tiny tier seems to be made."""
    own = fresh_checkout()
    write_tier(own)
    pretend_all_is_made(own)
    return own


@pytest.fixture
def finished(made, tmp_path):
    """The same for a test that changes something."""
    return made.copy(tmp_path / "copy")


def test_a_new_row_needs_an_entry_and_no_rule(own):
    def add(systems):
        systems["janus-crossed"] = systems["janus-paper"] | {"label": "JANUS (crossed)", "query_position": "previous"}

    own.edit("config/systems.yaml", add)
    write_tier(own)
    before = own.plan(*TIER)
    tier = yaml.safe_load(yaml.safe_dump(TINY))
    tier["tables"]["table6"]["systems"].append("janus-crossed")
    write_tier(own, tier)
    after = own.plan(*TIER)
    assert after["train"] == before["train"] + 1
    assert after["decode"] == before["decode"] + 2
    assert "results/tiny/multi30k.de-en/janus-crossed/seed-1/train.json" in own.snakemake("--summary", *TIER).stdout


def test_editing_one_row_trains_only_that_row_again(finished):
    finished.edit("config/systems.yaml", lambda systems: systems["janus-paper"]["losses"].update(kl_ar_aux=1))
    counts = finished.plan(*TIER)
    assert counts["train"] == counts["average"] == 1
    assert "prepare" not in counts
    # AR and NAR of JANUS; the baseline's output stays.
    assert counts["decode"] == 2


def test_editing_code_runs_the_rules_that_use_it(finished):
    with (finished.folder / "janus/metrics/repetition.py").open("a") as stream:
        stream.write("\n# changed\n")
    counts = finished.plan(*TIER)
    assert "score" in counts
    assert not {"train", "decode", "prepare"} & set(counts)


def test_an_address_or_a_mirror_changes_no_result(finished):
    assert finished.plan(*TIER, "--config", "mirror=http://localhost:9") == {}
    shutil.rmtree(finished.folder / "results/tiny/tables")
    assert "train" not in finished.plan(*TIER, "--config", "mirror=http://localhost:9")
