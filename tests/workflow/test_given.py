"""A tier of what somebody has: nothing is trained, and only its own tables are rendered."""

import pytest
import yaml
from tier_files import SMALLEST

TIER = ("--configfile", "mine/tier.yaml")
CORPUS = {"source": "de", "target": "en", "licence": "own", "lowercase": True, "recipe": "binarised", "bin": "data-bin"}
SYSTEMS = {
    "theirs": {"label": "Theirs", "checkpoint": "mine/model.pt", "method": "transformer", "manners": ["ar"]},
    "greedy": {"label": "Greedy", "trained_by": "theirs", "decoding": {"beam": 1}},
    "outputs": {
        "label": "Outputs",
        "hypotheses": {"files": "mine/outputs.txt", "tokenised": False},
        "manners": ["ar"],
        "baselines": {"ar": "theirs"},
    },
}
TABLES = {
    "mine": {
        "title": "Mine",
        "systems": ["theirs", "greedy", "outputs"],
        "columns": {"mine.de-en": "News"},
        "more": {"mine.de-en": ["transformer"]},
    },
    "talks": {"title": "Talks", "systems": ["theirs"], "columns": {"mine.de-en@talks": "Talks"}},
}


def write(folder, **changes):
    """The files of a tier of somebody's own; those that a plan only looks for are empty."""
    mine = folder / "mine"
    (mine / "data-bin").mkdir(parents=True, exist_ok=True)
    pairs = [
        f"{split}.de-en.{side}.{end}"
        for split in ("train", "valid", "test")
        for side in ("de", "en")
        for end in ("bin", "idx")
    ]
    for name in ("model.pt", "outputs.txt", "codes", "talks.de", "talks.en"):
        (mine / name).touch()
    for name in (*pairs, "dict.de.txt", "dict.en.txt"):
        (mine / "data-bin" / name).touch()
    tests = {"options": {"codes": "codes"}, "tests": {"talks": {"files": "talks.{language}"}}}
    content = SMALLEST | {
        "tier": "mine",
        "corpora_file": "mine/corpora.yaml",
        "corpora": ["mine.de-en"],
        "seeds": [1, 2],
    }
    content |= {"systems": SYSTEMS, "tables": TABLES} | changes
    (mine / "tier.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    corpora = {"corpora": {"mine.de-en": CORPUS | tests}}
    (mine / "corpora.yaml").write_text(yaml.safe_dump(corpora))


@pytest.mark.slow
def test_only_what_is_trained_here_is_trained_and_a_test_set_adds_a_decoding(own):
    write(own.folder)
    jobs = own.plan(*TIER)
    # Of the given files there is one run, of the row that is trained one with each seed.
    assert jobs["train"] == jobs["average"] == 2 and jobs["take_checkpoint"] == jobs["take_outputs"] == 1
    assert jobs["decode"] == 2 + 3 and jobs["score"] == 2 + 4 and jobs["compare"] == 2
    assert jobs["recover_bpe"] == jobs["prepare_test_set"] == jobs["encode_test_set"] == jobs["binarise"] == 1
    assert {name for name in jobs if name.startswith("render_")} == {"render_mine", "render_talks"}
    assert not {"paper_tables", "claims", "learn_bpe"} & jobs.keys()
    needed = {name: count for name, count in jobs.items() if name not in ("all", "draw_figure2")}
    assert own.plan("tables", *TIER) == needed | {"tables": 1}


@pytest.mark.slow
def test_the_faults_of_all_files_are_said_at_once(own):
    write(own.folder, seds=[1], systems=SYSTEMS | {"greedy": {"label": "G", "trained_by": "theris"}})
    corpora = own.folder / "mine/corpora.yaml"
    corpora.write_text(corpora.read_text().replace("lowercase", "lowercas"))
    done = own.snakemake("-n", *TIER)
    said = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert [line.partition(";")[0].rpartition(": ")[2] for line in said] == [
        "unknown key 'seds' (did you mean 'seeds'?)",
        "unknown system 'theris' (did you mean 'theirs'?)",
        "unknown key 'lowercas' (did you mean 'lowercase'?)",
        "the key 'lowercase' is missing",
    ]
    assert done.returncode != 0 and "Traceback" not in done.stdout
