"""Rows are config: a new one needs an entry and no rule, a changed one re-runs itself alone."""

import shutil

import pytest
import yaml
from tier_files import SMALLEST

TINY = {
    "tier": "tiny",
    "corpora": ["multi30k.de-en"],
    "seeds": [1],
    **SMALLEST,
    "training": SMALLEST["training"] | {"valid_bleu_sentences": 2},
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
    """Put a file wherever the plan has an output, and let Snakemake record that this config made it."""
    summary = own.snakemake("--summary", *TIER)
    assert summary.returncode == 0, summary.stdout
    lines = [line.split("\t") for line in summary.stdout.splitlines() if "\t" in line]
    for name, _, rule, *_ in lines[1:]:
        path = own.folder / name
        if rule in ("learn_bpe", "binarise") or path.name in ("tok", "raw"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The one record that planning reads.
            path.write_text('{"checkpoints": {"checkpoint1.pt": ""}}' if path.name == "averaged.json" else "")
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


def rules_after_an_edit(finished, name, line="\nADDED = 1\n"):
    with (finished.folder / name).open("a") as stream:
        stream.write(line)
    return set(finished.plan(*TIER)) - {"all", "paper_tables", "paper_figures", "claims"}


AFTER_SCORING = {"score", "compare", "vital_signs", "draw_figure4", "judge_claims"}
AFTER_SCORING |= {f"render_table{number}" for number in (1, 3, 6)}
AFTER_AVERAGING = {"average", "decode", "measure_latency"} | AFTER_SCORING
CURVES = {"read_curves", "draw_figure5", "draw_figure6"}
AFTER_TRAINING = AFTER_AVERAGING | CURVES


@pytest.mark.parametrize(
    "name, rules",
    [
        ("janus/metrics/repetition.py", AFTER_SCORING),
        ("janus/decoding/latency.py", {"measure_latency", "draw_figure4"}),
        # Validation decodes.
        ("janus/decoding/beam.py", {"train"} | AFTER_TRAINING),
        ("kernels/joint_loss/rows.py", {"train"} | AFTER_TRAINING),
        ("janus/text/bpe.py", {"learn_bpe", "binarise", "train"} | AFTER_TRAINING),
        ("janus/training/logs.py", CURVES),
        ("janus/training/averaged_checkpoints.py", AFTER_AVERAGING),
        ("janus/model/averaging.py", AFTER_AVERAGING),
    ],
)
def test_an_edit_runs_the_rules_that_run_the_module_and_what_follows(finished, name, rules):
    assert rules_after_an_edit(finished, name) == rules


# The recipe of another corpus, the demo's lexicon, what words a message: nothing here rests on them. What starts,
# watches, resumes and ends a training decides no weight, and what asks for a GPU no output.
QUIET = ["janus/recipes/wmt14.py", "janus/demo/lexicon.py"]
QUIET += [f"janus/{name}.py" for name in ("devices", "display", "errors", "identity", "model/unreadable", "runs")]
QUIET += [f"janus/training/{name}.py" for name in ("finished", "progress", "recovery", "run")]


def test_an_edit_of_what_decides_nothing_runs_nothing(finished):
    for name in QUIET[1:]:
        with (finished.folder / name).open("a") as stream:
            stream.write("\nADDED = 1\n")
    assert rules_after_an_edit(finished, QUIET[0]) == set()


def test_an_average_of_other_checkpoints_ends_the_planning(finished):
    run = finished.folder / "results/tiny/multi30k.de-en/janus-paper/seed-1"
    (run / "checkpoints").mkdir()
    (run / "checkpoints/checkpoint1.pt").touch()
    done = finished.snakemake("-n", *TIER)
    name = run.relative_to(finished.folder)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert f"error: {name}/averaged.pt: checkpoints/checkpoint1.pt was written after it" in done.stdout
    (run / "averaged.pt").unlink()
    assert {"average", "decode"} <= finished.plan(*TIER, "--forcerun", f"{name}/averaged.pt").keys()


def test_a_comment_runs_nothing(finished):
    assert rules_after_an_edit(finished, "janus/model/streams.py", "\n# A remark.\n") == set()


def test_a_new_recipe_file_runs_nothing(finished):
    (finished.folder / "janus/recipes/new_recipe.py").write_text("def build(*_, **__):\n    return {}\n")
    assert finished.plan(*TIER) == {}


def test_an_address_or_a_mirror_changes_no_result(finished):
    assert finished.plan(*TIER, "--config", "mirror=http://localhost:9") == {}
    shutil.rmtree(finished.folder / "results/tiny/tables")
    assert "train" not in finished.plan(*TIER, "--config", "mirror=http://localhost:9")
