"""Tiers: what a config may say, and what it means for one run."""

import copy
from pathlib import Path

import pytest

from janus.corpora.manifest import load_corpora, load_texts
from janus.errors import InputError
from janus.tiers import check, check_sense, read_yaml, settings, used_systems

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "workflow/schemas"
DEMO = read_yaml(ROOT / "config/demo.yaml")
CORPORA, TEXTS = (load(ROOT / "config/corpora.yaml") for load in (load_corpora, load_texts))
SYSTEMS = check(read_yaml(ROOT / "config/systems.yaml"), SCHEMAS / "systems.schema.yaml", where="systems.yaml")


def checked(change=lambda tier: None):
    tier = copy.deepcopy(DEMO)
    change(tier)
    tier = check(tier, SCHEMAS / "tier.schema.yaml", where="demo.yaml")
    check_sense(tier, SYSTEMS, CORPORA, texts=TEXTS, models=["bart.base"], where="demo.yaml")
    return tier


def described(rules, place):
    """Places of properties without a description, references followed by their own entry."""
    for key, rule in rules.get("properties", {}).items():
        only_default = set(rule) == {"default"}
        if not only_default and not {"description", "$ref"} & set(rule):
            yield f"{place}.{key}"
        yield from described(rule, f"{place}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(rules.get(key), dict):
            yield from described(rules[key], f"{place}.{key}")
    for key, rule in rules.get("$defs", {}).items():
        yield from described(rule, f"{place}.$defs.{key}")


@pytest.mark.parametrize("name", ["tier", "systems"])
def test_every_key_of_a_schema_is_described(name):
    assert list(described(read_yaml(SCHEMAS / f"{name}.schema.yaml"), name)) == []


def test_defaults_are_filled_at_every_depth():
    tier = checked()
    assert (tier["accept"], tier["mirror"]) == ([], None)
    assert tier["training"]["label_smoothing"] == 0.1
    assert tier["latency"]["warmup"] == 1
    assert SYSTEMS["transformer"]["losses"]["kl_ar_aux"] == 0
    assert SYSTEMS["aux"]["masking"] == {"kind": "span", "poisson": 2, "budget": 0.7}
    assert "average" not in read_yaml(ROOT / "config/systems.yaml")["cmlm"] and SYSTEMS["cmlm"]["average"] is True


def test_a_default_does_not_undo_an_override():
    tier = checked(
        lambda tier: tier.update(
            overrides=[{"systems": ["cmlm"], "training": {"lr": 1.0}}], training=tier["training"] | {"gpus": 4}
        )
    )
    assert settings(tier, corpus=DEMO["corpora"][0], system="cmlm")["training"]["gpus"] == 4


def test_overrides_apply_in_order_where_they_hold():
    corpus, other = DEMO["corpora"][:2]
    overrides = [
        {"training": {"lr": 1.0}},
        {"corpora": [corpus], "training": {"lr": 2.0}, "model": {"layers": 9}},
        {"corpora": [corpus], "systems": ["cmlm"], "training": {"lr": 3.0}},
    ]
    tier = checked(lambda tier: tier.update(overrides=overrides))
    assert settings(tier, corpus=other, system="cmlm")["training"]["lr"] == 1.0
    assert settings(tier, corpus=corpus, system="aux")["training"]["lr"] == 2.0
    assert settings(tier, corpus=corpus, system="cmlm")["training"]["lr"] == 3.0
    assert settings(tier, corpus=corpus, system="cmlm")["model"]["layers"] == 9
    assert tier["model"]["layers"] == DEMO["model"]["layers"]


def test_every_system_is_used_once_in_order():
    names = used_systems(checked())
    assert len(names) == len(set(names))
    assert set(names) == {name for name, system in SYSTEMS.items() if system["stage"] == "task"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tier: tier.update(sedes=[1]), ["unknown key 'sedes'", "did you mean 'seeds'"]),
        (
            lambda tier: tier["training"].update(max_updates=3),
            ["training:", "unknown key 'max_updates'", "'max_update'"],
        ),
        (lambda tier: tier.pop("model"), ["demo.yaml:", "the key 'model' is missing"]),
        (lambda tier: tier["training"].pop("lr"), ["training:", "the key 'lr' is missing"]),
        (lambda tier: tier.update(seeds=["one"]), ["seeds.0:", "'one' is not of type 'integer'"]),
        (lambda tier: tier.update(seeds=[]), ["seeds:", "non-empty"]),
        (lambda tier: tier["training"].update(precision="fp16"), ["training.precision", "fp16 needs a GPU"]),
        (lambda tier: tier.update(device="tpu"), ["device:", "'tpu' is not one of"]),
        (lambda tier: tier["tables"]["table1"]["systems"].append("transfomer"), ["tables.table1", "'transformer'"]),
        (
            lambda tier: tier["corpora"].append("demo.iwslt14.de-fr"),
            ["corpora:", "unknown corpus 'demo.iwslt14.de-fr'"],
        ),
        (lambda tier: tier["figures"]["figure5"].update(corpus="x.y"), ["figures.figure5", "unknown corpus 'x.y'"]),
        (lambda tier: tier.update(pretraining=None), ["pretraining:", "bart-base-ar starts from a pre-trained model"]),
        (lambda tier: tier["pretraining"].update(text="demmo"), ["pretraining:", "unknown text 'demmo'", "'demo'"]),
        (lambda tier: tier["pretraining"].update(base="transformer"), ["pretraining:", "unknown model 'transformer'"]),
        (
            lambda tier: tier["tables"]["table2"].update(baseline="aux"),
            ["tables.table2.baseline", "unknown system 'aux'"],
        ),
        (
            lambda tier: tier["tables"]["table2"].update(corpus="demo.squad.src-tgt"),
            ["tables.table2", "demo.squad.src-tgt is a corpus of question, the paper's is of summary"],
        ),
        (
            lambda tier: tier["tables"]["table7"]["systems"].append("bart-cmlm"),
            ["tables.table7.systems", "bart-cmlm is pre-trained on running text"],
        ),
        (
            lambda tier: tier["tables"]["table6"]["systems"].append("bart-base-nar"),
            ["tables.table6", "bart-base-nar knows the vocabulary 'demo', demo.iwslt14.de-en has another"],
        ),
        (lambda tier: tier.update(overrides=[{"systems": ["janus"]}]), ["overrides.0", "unknown system 'janus'"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(change, words):
    with pytest.raises(InputError) as caught:
        checked(change)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in ["demo.yaml", *words]), str(caught.value)


def test_a_baseline_decodes_in_the_manner_it_is_compared_in():
    systems = copy.deepcopy(SYSTEMS)
    systems["janus-paper"]["baselines"]["nar"] = "transformer"
    tier = check(DEMO, SCHEMAS / "tier.schema.yaml", where="demo.yaml")
    with pytest.raises(InputError, match="systems.yaml: janus-paper.baselines: transformer does not decode as nar"):
        check_sense(tier, systems, CORPORA, texts=TEXTS, models=[], where="demo.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a: [1\n", ["x.yaml:2", "not YAML"]), (b"a: \xff\n", ["x.yaml", "not UTF-8"])],
)
def test_a_broken_file_names_its_place(tmp_path, content, words):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_yaml(path)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="x.yaml: cannot be read"):
        read_yaml(tmp_path / "x.yaml")
