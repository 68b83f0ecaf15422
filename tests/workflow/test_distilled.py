"""A distilled corpus, for real: a teacher is trained, translates, and a student is trained on what it says."""

import pytest
import yaml

from janus.files import read_json, read_lines, sha256

RAW = "demo.iwslt14.de-en"
KD = f"{RAW}+kd"
TIER = {
    "tier": "own",
    "corpora": [RAW],
    "seeds": [1],
    "distilled": {KD: {"teacher": "transformer-core", "beam": 2, "shards": 3}},
    "corpora_file": "mine/corpora.yaml",
    "model": {"layers": 1, "embed_dim": 16, "ffn_dim": 16, "heads": 2},
    "training": {
        "max_update": 12,
        "max_tokens": 3000,
        "lr": 0.01,
        "warmup_updates": 4,
        "dropout": 0.0,
        "weight_decay": 0.0,
        "average_checkpoints": 1,
    },
    "decoding": {
        "beam": 1,
        "lenpen": 1.0,
        "passes": 2,
        "length_beam": 1,
        "batch_tokens": 2000,
        "max_len_a": 1.0,
        "max_len_b": 3,
    },
    "tables": {
        "table1": {
            "systems": ["cmlm-core", "glat-rescored"],
            "columns": {RAW: {"new": "Demo"}, KD: {"new": "Demo, distilled"}},
        }
    },
}
SIZES = {"train": 400, "valid": 20, "test": 30}
CORPUS = {
    "source": "de",
    "target": "en",
    "recipe": "grammar",
    "licence": "generated",
    "lowercase": True,
    "merges": 200,
    "lines": SIZES,
    "options": SIZES | {"multimodality": 1.0, "vocabulary": 0.3},
}
WORDS = ("--configfile", "mine/tier.yaml")


@pytest.fixture(scope="module")
def planned(fresh_checkout):
    own = fresh_checkout()
    (own.folder / "mine").mkdir()
    for name, content in (("tier", TIER), ("corpora", {"corpora": {RAW: CORPUS}})):
        (own.folder / f"mine/{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    own.corpora = {name: own.folder / f"results/own/{name}/corpus" for name in (RAW, KD)}
    return own


@pytest.fixture(scope="module")
def made(planned):
    done = planned.snakemake("--cores", "2", "table1", "complexity", *WORDS)
    assert done.returncode == 0, done.stdout
    return planned


def test_the_plan_is_static(planned):
    counts = planned.plan("table1", "complexity", *WORDS)
    # Two rows on two corpora, and on both the Transformer that re-scores; on the raw one it is the teacher too.
    assert counts["train"] == counts["average"] == 6
    assert (counts["prepare"], counts["learn_bpe"], counts["binarise"]) == (1, 1, 2)
    assert (counts["distil_part"], counts["distil"], counts["measure_complexity"]) == (3, 1, 1)


def test_the_targets_are_the_teachers_translations(made):
    teacher = made.folder / f"results/own/{RAW}/transformer-core/seed-1/averaged.pt"
    record = read_json(made.corpora[KD] / "corpus.json")
    found = record["distilled"]
    assert (found["of"], found["teacher"], found["seed"]) == (RAW, "transformer-core", 1)
    assert found["checkpoint"] == sha256(teacher) and found["settings"]["beam"] == 2
    parts = [read_lines(made.corpora[KD] / f"parts/{number}.bpe") for number in range(3)]
    assert [len(part) for part in parts] == [133, 133, 134]
    assert read_lines(made.corpora[KD] / "bpe/train.en") == [line for part in parts for line in part]


def test_everything_else_is_the_raw_corpuss(made):
    for name in ("bpe/train.de", "bpe/valid.en", "bpe/test.de", "bpe/codes", "tok/test.en", "raw/test.en"):
        assert sha256(made.corpora[KD] / name) == sha256(made.corpora[RAW] / name), name
    dictionaries = {
        sha256(folder / f"bin/dict.{side}.txt") for folder in made.corpora.values() for side in ("de", "en")
    }
    assert len(dictionaries) == 1
    pairs = [read_json(folder / "bin/sentences.json")["train.en"]["sentences"] for folder in made.corpora.values()]
    assert pairs == [400, 400]


def test_rows_stand_beside_those_of_the_raw_corpus(made):
    table = (made.folder / "results/own/tables/table1.md").read_text(encoding="utf-8")
    assert "Demo, distilled" in table and "| GLAT (re-scored) |" in table
    complexity = (made.folder / "results/own/tables/complexity.md").read_text(encoding="utf-8")
    assert f"| {KD} | transformer-core | 2 | 400 |" in complexity


def test_a_row_is_rescored_by_the_run_of_its_own_corpus(made):
    for corpus in (RAW, KD):
        runs = made.folder / f"results/own/{corpus}"
        facts = read_json(runs / "glat-rescored/seed-1/decode/nar-1.bpe.json")
        scorer = runs / "transformer-core/seed-1/averaged.pt"
        assert facts["decoder"] == "rescored" and facts["rescore_checkpoint"] == sha256(scorer)


def test_a_part_that_is_lost_is_translated_alone(made):
    assert made.plan("table1", "complexity", *WORDS) == {}
    for name in ("parts/1.bpe", "corpus.json"):
        (made.corpora[KD] / name).unlink()
    counts = made.plan(f"results/own/{KD}/corpus/corpus.json", *WORDS)
    assert counts == {"distil_part": 1, "distil": 1}
