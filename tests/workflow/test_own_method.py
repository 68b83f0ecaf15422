"""A new method is a file and an entry: the suite trains, averages, decodes, scores and shows it, no other edit."""

from pathlib import Path

import pytest
import yaml
from markdown_blocks import block, section

from janus.files import read_json

ROOT = Path(__file__).resolve().parents[2]
SECTION = section((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "A method")
CODE, ENTRY = block(SECTION, "python"), yaml.safe_load(block(SECTION, "yaml"))["places"]
CORPUS = "demo.iwslt14.de-en"
TIER = {
    "tier": "own",
    "corpora": [CORPUS],
    "seeds": [1],
    "systems_file": "mine/systems.yaml",
    "model": {"layers": 1, "embed_dim": 16, "ffn_dim": 16, "heads": 2},
    "training": {
        "max_update": 20,
        "max_tokens": 9000,
        "lr": 0.01,
        "warmup_updates": 5,
        "dropout": 0.0,
        "weight_decay": 0.0,
        "average_checkpoints": 2,
        "valid_bleu_sentences": 10,
    },
    "decoding": {"beam": 1, "lenpen": 1.0, "passes": 2, "length_beam": 1, "batch_tokens": 2000},
    "tables": {"table1": {"systems": ["places"], "columns": {CORPUS: {"new": "Demo"}}}},
}
WORDS = ("--configfile", "mine/tier.yaml")


@pytest.fixture(scope="module")
def made(fresh_checkout):
    own = fresh_checkout()
    (own.folder / "mine").mkdir()
    (own.folder / "mine/place_model.py").write_text(CODE, encoding="utf-8")
    for name, content in (("tier", TIER), ("systems", {"places": ENTRY})):
        (own.folder / f"mine/{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    done = own.snakemake("--cores", "2", "table1", *WORDS)
    assert done.returncode == 0, done.stdout
    own.run = own.folder / f"results/own/{CORPUS}/places/seed-1"
    return own


def test_it_is_trained_validated_averaged_decoded_scored_and_shown(made):
    record = read_json(made.run / "train.json")
    words = record["arguments"]
    assert words[words.index("--method") + 1] == str(made.folder / "mine/place_model.py")
    assert '{"weight": 0.5}' in words and "0.02" in words
    assert len(read_json(made.run / "averaged.json")["checkpoints"]) == 2
    assert (made.run / "decode/nar-1.bpe").read_text().count("\n") > 100
    facts = read_json(made.run / "decode/nar-1.bpe.json")
    assert (facts["decoder"], facts["settings"]) == ("places", {"longest": 30, "passes": 1})
    assert "bleu_nar" in (made.run / "checkpoints/log.jsonl").read_text()
    table = (made.folder / "results/own/tables/table1.md").read_text()
    assert "| Place model |" in table


def test_an_edit_of_its_file_trains_it_again(made):
    assert made.plan("table1", *WORDS) == {}
    with (made.folder / "mine/place_model.py").open("a") as stream:
        stream.write("\nADDED = 1\n")
    counts = made.plan("table1", *WORDS)
    assert counts["train"] == counts["average"] == counts["decode"] == 1 and "prepare" not in counts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weigh": 1}, "places: unknown key 'weigh' (did you mean 'weight'?)"),
        ({"weight": 0}, "places.weight: 0 is less than or equal to the minimum of 0"),
        ({"method": "joined"}, "places.method: unknown method 'joined' (did you mean 'joint'?)"),
        ({"method": "nowhere.py"}, "places.method: no such file"),
        ({"manners": ["ar", "nar"]}, "does not decode as ar"),
        ({"decoding": {"longes": 30}}, "places.decoding: no decoder of the system has the setting 'longes'"),
        ({"stage": "pretraining"}, "pretraining"),
    ],
)
def test_a_wrong_entry_is_one_line(made, changes, message):
    name = "mine/wrong.yaml"
    (made.folder / name).write_text(yaml.safe_dump({"places": ENTRY | changes}), encoding="utf-8")
    (made.folder / "mine/wrong-tier.yaml").write_text(yaml.safe_dump(TIER | {"systems_file": name}), encoding="utf-8")
    done = made.snakemake("-n", "--configfile", "mine/wrong-tier.yaml")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert message in done.stdout
