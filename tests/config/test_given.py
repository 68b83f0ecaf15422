"""Rows of given checkpoints and outputs, and rows that share a training: what entries may say, and what is run."""

import copy
from dataclasses import replace

import pytest
import yaml
from checked_tiers import CORPORA, DEMO, ROOT, SCHEMAS, SYSTEMS, TEXTS
from markdown_blocks import block, section

from janus.claims.decodings import decoded_modes, timed_modes
from janus.config.consistency import check_sense
from janus.config.system_entries import load_systems, with_entries
from janus.config.tiers import check, runs, settings
from janus.errors import InputError
from janus.fetching.manifest import load_manifest
from janus.report.products import Products

CORPUS, OTHER = "demo.iwslt14.de-en", "demo.wmt16.ro-en"
COLUMNS = {CORPUS: "IWSLT14 De→En"}


def load(tmp_path, entries):
    path = tmp_path / "systems.yaml"
    path.write_text(yaml.safe_dump(entries))
    return load_systems(path, SCHEMAS)


def refused(tmp_path, entries):
    with pytest.raises(InputError) as caught:
        load(tmp_path, entries)
    return [line.replace(f"{tmp_path}/", "") for line in str(caught.value).splitlines()]


def tier_of(systems, names, **changes):
    """The demo with Table 1 of the named rows alone, checked against its schema, with the entries of the systems."""
    table = {"systems": names, "columns": COLUMNS}
    tier = DEMO | {"tables": {"table1": table}, "figures": {}, "overviews": {}} | changes
    return with_entries(check(tier, SCHEMAS / "tier.schema.yaml", where="demo.yaml"), systems)


def problems(tier, systems):
    with pytest.raises(InputError) as caught:
        check_sense(tier, systems, CORPORA, texts=TEXTS, models=["bart.base"], where="demo.yaml")
    return str(caught.value).splitlines()


def test_a_row_trained_by_another_has_its_training_and_a_decoding_of_its_own():
    tier = tier_of(SYSTEMS, ["dat", "dat-viterbi"], overrides=[{"systems": ["dat"], "training": {"lr": 1e-4}}])
    assert runs(tier, SYSTEMS) == [(CORPUS, "dat")]
    own = settings(tier, corpus=CORPUS, system="dat-viterbi")
    assert own["training"]["lr"] == 1e-4 and own["decoding"]["decoder"] == "dag_viterbi"
    assert "decoder" not in settings(tier, corpus=CORPUS, system="dat")["decoding"]
    check_sense(tier, SYSTEMS, CORPORA, texts=TEXTS, models=["bart.base"], where="demo.yaml")
    # Alone in a table, its trainer is trained all the same.
    assert runs(tier_of(SYSTEMS, ["dat-viterbi"]), SYSTEMS) == [(CORPUS, "dat")]


def test_a_row_trained_by_another_has_the_manner_of_its_decoder(tmp_path):
    rows = {
        "ours": {"label": "Ours", "method": "joint", "manners": ["ar", "nar"], "losses": {"ar": 1, "nar": 1}},
        "again": {"label": "Again", "trained_by": "ours", "decoding": {"decoder": "reparameterised"}},
        "wider": {"label": "Wider", "trained_by": "ours", "decoding": {"beam": 9}},
    }
    systems = load(tmp_path, rows)
    assert systems["again"]["manners"] == ["nar"] and systems["wider"]["manners"] == ["ar", "nar"]


def test_a_row_trained_by_another_is_decoded_from_its_weights_and_adds_to_it():
    products = Products("results/demo", tier_of(SYSTEMS, ["dat"]), SYSTEMS, CORPORA)
    assert products.weights(CORPUS, "dat-viterbi", 1) == f"results/demo/{CORPUS}/dat/seed-1"
    origin = products.origin(CORPUS, "dat-viterbi", "nar", 1)
    assert origin["trainings"] == {1: f"results/demo/{CORPUS}/dat/seed-1/train.json"}
    assert origin["trained_by"] == "DA-Transformer"
    assert SYSTEMS["dat-viterbi"]["adds_to"] == ["dat"] and SYSTEMS["dat-viterbi"]["published"] == []


def test_settings_of_a_decoding_are_the_trained_rows_unless_another_decoder_is_named(tmp_path):
    entries = {
        "disco": {
            "label": "DisCo",
            "method": "disco",
            "manners": ["nar"],
            "decoding": {"passes": 10, "length_beam": 5},
        },
        "short": {"label": "Short", "trained_by": "disco", "decoding": {"length_beam": 1}},
        "masks": {"label": "Masks", "trained_by": "disco", "decoding": {"decoder": "mask_predict"}},
    }
    systems = load(tmp_path, entries)
    assert systems["short"]["decoding"] == {"passes": 10, "length_beam": 1}
    assert systems["masks"]["decoding"] == {"decoder": "mask_predict"}


def test_all_faults_of_all_entries_are_said_at_once(tmp_path):
    entries = {
        "a": {"label": "A", "method": "datt", "manners": ["nar"], "anything": 3},
        "b": {"label": "B", "trained_by": "aa", "training": {"lr": 1}},
        "c": {"label": "C", "hypotheses": {"files": "c.txt"}, "model": {"layers": 1}, "colour": 1},
        "d": {"checkpoint": "d.pt", "method": "transformer", "manners": ["ar"], "average": True},
        "e": {"label": "E", "manners": ["ar"]},
        "f": {"label": "F", "method": "joint", "manners": ["ar"], "dictionary": "dict.txt", "losses": {"ar": "x"}},
        "g": {"label": "G", "trained_by": "c"},
    }
    lines = refused(tmp_path, entries)
    assert [line.partition(";")[0] for line in lines if "unknown method" not in line] == [
        "systems.yaml: b.trained_by: unknown system 'aa' (did you mean 'a'?)",
        "systems.yaml: b: the key 'training' has no meaning beside `trained_by`",
        "systems.yaml: c: the key 'model' has no meaning beside `hypotheses`",
        "systems.yaml: d: the key 'average' has no meaning beside `checkpoint`",
        "systems.yaml: f: the key 'dictionary' has no meaning without `checkpoint`",
        "systems.yaml: g.trained_by: c has no weights of its own",
        "systems.yaml: c: unknown key 'colour'",
        "systems.yaml: c: the key 'manners' is missing",
        "systems.yaml: c.hypotheses: the key 'tokenised' is missing",
        "systems.yaml: d: the key 'label' is missing",
        "systems.yaml: e: the key 'method' is missing",
        "systems.yaml: f.losses.ar: 'x' is not of type 'number'",
    ]
    assert [line for line in lines if line.startswith("systems.yaml: a.method: unknown method 'datt'")]


GIVEN = {
    "theirs": {"label": "Theirs", "checkpoint": "theirs.pt", "method": "transformer", "manners": ["ar"]},
    "outputs": {"label": "Outputs", "hypotheses": {"files": "{corpus}.txt", "tokenised": False}, "manners": ["ar"]},
}


@pytest.fixture
def given(tmp_path):
    """The project's systems and two given rows, whose files are there."""
    for name in ("theirs.pt", f"{CORPUS}.txt"):
        (tmp_path / name).touch()
    return copy.deepcopy(SYSTEMS) | load(tmp_path, GIVEN)


def test_given_rows_are_decoded_or_scored_and_never_trained(given):
    tier = tier_of(given, ["transformer", "theirs", "outputs"])
    check_sense(tier, given, CORPORA, texts=TEXTS, models=["bart.base"], where="demo.yaml")
    assert runs(tier, given) == [(CORPUS, "transformer")]
    assert decoded_modes(tier, given)[CORPUS, "outputs"] == {"ar"}
    overview = {"zoo": {"title": "All", "corpus": CORPUS, "systems": ["theirs", "outputs"], "baseline": "theirs"}}
    tier = tier_of(given, ["transformer"], overviews=overview)
    assert timed_modes(tier, given) == {(CORPUS, "theirs"): {"ar"}}
    origin = Products("r", tier, given, CORPORA).origin(CORPUS, "outputs", "ar")
    assert origin["trainings"] == {} and origin["given"] == origin["decodings"]


def test_of_a_single_file_there_is_one_run_whatever_the_seeds(given):
    products = Products("r", tier_of(given, ["theirs"], seeds=[3, 5]), given, CORPORA)
    assert list(products.runs(CORPUS, "theirs")) == [3]
    assert products.run_of(CORPUS, "theirs", 5) == f"r/{CORPUS}/theirs/seed-3"
    given["theirs"]["checkpoint"] = "{seed}.pt"
    assert list(products.runs(CORPUS, "theirs")) == [3, 5]


def test_missing_files_and_what_given_rows_do_not_have_are_said_at_once(given, tmp_path):
    (tmp_path / "theirs.pt").unlink()
    columns = {"columns": COLUMNS | {OTHER: "WMT16 Ro→En"}}
    overview = {"zoo": {"title": "All", "corpus": CORPUS, "systems": ["outputs"], "baseline": "outputs"}}
    figures = {"figure4": {"corpus": CORPUS, "systems": ["outputs"], "passes": [1]}}
    figures |= {"figure5": {"corpus": CORPUS, "systems": ["theirs", "dat-viterbi"]}}
    tables = {"table1": {"systems": ["theirs", "outputs"], **columns}}
    found = problems(tier_of(given, [], tables=tables, overviews=overview, figures=figures, budget="equal"), given)
    assert [line.replace(f"{tmp_path}/", "").partition(";")[0] for line in found] == [
        "config/systems.yaml: theirs.checkpoint: one file for the corpora demo.iwslt14.de-en, demo.wmt16.ro-en",
        "config/systems.yaml: outputs.hypotheses: there is no file demo.wmt16.ro-en.txt",
        "demo.yaml: figures.figure4.systems: outputs is not decoded here, and has no speed",
        "demo.yaml: figures.figure5.systems: theirs has no training of its own, and no curve",
        "demo.yaml: figures.figure5.systems: dat-viterbi has no training of its own, and no curve",
        "demo.yaml: overviews.zoo.baseline: outputs is not decoded here, and has no speed",
        "demo.yaml: budget: the training of theirs is unknown",
    ]


@pytest.mark.parametrize(
    ("manners", "said"),
    [
        (["ar", "nar"], "one file for both AR and NAR outputs"),
        (["nar"], "nothing says how many decoder passes made them"),
    ],
)
def test_outputs_say_which_decoding_made_them(given, manners, said):
    given["outputs"]["manners"] = manners
    (line,) = problems(tier_of(given, ["outputs"]), given)
    assert said in line
    given["outputs"]["hypotheses"]["passes"] = 4
    if manners == ["nar"]:
        tier = tier_of(given, ["outputs"])
        check_sense(tier, given, CORPORA, texts=TEXTS, models=["bart.base"], where="demo.yaml")
        assert decoded_modes(tier, given)[CORPUS, "outputs"] == {"nar-4"}


def test_no_curve_is_drawn_of_a_further_test_set(given):
    corpora = CORPORA | {CORPUS: replace(CORPORA[CORPUS], tests={"news": {"files": "news.{language}"}})}
    curves = {"figure5": {"corpus": f"{CORPUS}@news", "systems": ["transformer"]}}
    with pytest.raises(InputError, match="figures.figure5.corpus: .*@news is a further test set, and no training logs"):
        tier = tier_of(given, ["transformer"], figures=curves)
        check_sense(tier, given, corpora, texts=TEXTS, models=["bart.base"], where="demo.yaml")


def test_a_tier_may_have_systems_of_its_own(tmp_path):
    own = {"mine": {"label": "Mine", "trained_by": "dat"}, "dat": {"label": "Again", "trained_by": "glat"}}
    (tmp_path / "systems.yaml").write_text(yaml.safe_dump({"dat": {"label": "D", "method": "dat", "manners": ["nar"]}}))
    with pytest.raises(InputError, match="tier.yaml: systems: dat is in .*systems.yaml too"):
        load_systems(tmp_path / "systems.yaml", SCHEMAS, own=own, where="tier.yaml")
    del own["dat"]
    found = load_systems(tmp_path / "systems.yaml", SCHEMAS, own=own, where="tier.yaml")
    assert list(found) == ["dat", "mine"] and found["mine"]["method"] == "dat"


def page_block(name, heading):
    return yaml.safe_load(block(section((ROOT / name).read_text(encoding="utf-8"), heading), ""))


def test_the_rows_and_the_table_that_the_docs_show_are_valid(tmp_path):
    own = page_block("docs/use.md", "A row from what you have")["systems"]
    systems = load_systems(ROOT / "config/systems.yaml", SCHEMAS, own=own, where="docs/use.md")
    tables = page_block("docs/use.md", "Tables of your own")["tables"]
    tests = page_block("docs/own-corpus.md", "Further test sets")
    theirs = page_block("docs/own-corpus.md", "Data that is binarised already")
    facts = {"source": "de", "target": "en", "recipe": "plain", "licence": "own", "lowercase": False, "merges": 9}
    mine = facts | {"options": {"files": "{split}.{language}"}} | tests
    manifest = {"corpora": {"mine.de-en": mine, **theirs}}
    (tmp_path / "corpora.yaml").write_text(yaml.safe_dump(manifest))
    corpora = load_manifest(tmp_path / "corpora.yaml").corpora
    changes = {"tables": tables, "corpora": ["mine.de-en", "theirs.de-en"], "pretraining": None, "overrides": []}
    tier = tier_of(systems, [], **changes)
    check_sense(tier, systems, corpora, texts={}, models=[], where="docs/use.md")
    assert runs(tier, systems) == [("mine.de-en", "transformer"), ("mine.de-en", "janus-paper")]
    assert decoded_modes(tier, systems)["mine.de-en@talks", "janus-paper"] == {"ar", "nar-11"}
    products = Products("r", tier, systems, corpora)
    assert products.weights("mine.de-en@talks", "transformer", 1) == "r/mine.de-en/transformer/seed-1"
