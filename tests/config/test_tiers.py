"""Tiers: what a config may say, and what it means for one run."""

import pytest
from checked_tiers import DEMO, ROOT, SCHEMAS, SYSTEMS, checked, problems, systems_of
from tier_files import TIERS

from janus.config.tiers import read_yaml, runs, settings, used_systems
from janus.errors import InputError


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
    assert SYSTEMS["ar-nar"]["losses"]["kl_ar_aux"] == 0
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


def test_every_system_is_used_by_a_tier_and_named_once_in_each():
    used = [used_systems(checked(of=name, change=accept_terms)) for name in TIERS]
    assert all(len(names) == len(set(names)) for names in used)
    of_tasks = {name for name, system in SYSTEMS.items() if system["stage"] == "task"}
    own = {name for tier in TIERS for name in systems_of(tier)} - set(SYSTEMS)
    assert {name for names in used for name in names} == of_tasks | own


def accept_terms(tier):
    tier["accept"] = ["glge", "bookcorpus"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tier: tier.update(sedes=[1]), ["unknown key 'sedes'", "did you mean 'seeds'"]),
        (lambda tier: tier.update(tier="reference"), ["'reference' is not a name in small letters"]),
        (lambda tier: tier["training"].update(warmup_updates=0), ["training.warmup_updates", "minimum of 1"]),
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
        (
            lambda tier: tier.update(claims={"ids": ["ar-gian", "nar-gain"]}),
            ["demo.yaml: claims.ids", "unknown claim 'ar-gian'", "'ar-gain'", "workflow/published/claims.csv"],
        ),
        (
            lambda tier: tier.update(claims={"resamples": 10}),
            ["claims.resamples", "10 is less than the minimum of 100"],
        ),
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
        (lambda tier: tier["figures"]["figure5"].update(corpus="demo"), ["figure5: demo is running text"]),
        (
            lambda tier: tier["tables"]["table7"]["systems"].append("bart-cmlm"),
            ["tables.table7.systems", "bart-cmlm is pre-trained on running text"],
        ),
        (
            lambda tier: tier["tables"]["table6"]["systems"].append("bart-base-nar"),
            ["tables.table6", "bart-base-nar uses the vocabulary 'demo', demo.iwslt14.de-en uses another"],
        ),
        (
            lambda tier: tier["decoding"].update(length_beam=257),
            ["tables.table1", "length_beam is 257, and cmlm can predict 256 lengths on demo.iwslt14.de-en"],
        ),
        (
            lambda tier: tier["overrides"].append(
                {"corpora": ["demo.squad.src-tgt"], "systems": ["bart-cmlm-nar"], "model": {"length_classes": 4}}
            ),
            ["tables.table7", "length_beam is 5, and bart-cmlm-nar can predict 4 lengths on demo.squad.src-tgt"],
        ),
        (
            lambda tier: tier["decoding"].update(length_score="mean"),
            ["decoding.length_score", "'mean' is not one of ['default', 'release', 'average', 'average_and_length']"],
        ),
        (lambda tier: tier.update(overrides=[{"systems": ["janus"]}]), ["overrides.0", "unknown system 'janus'"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(change, words):
    found = problems(change)
    assert all(word in found[0] for word in ["demo.yaml", *words]), found
    # Two tables may share what is wrong.
    assert len(found) <= 2


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


def test_threads_and_memory_follow_the_gpus_unless_they_are_named():
    tier = checked(of="paper")
    of = {name: settings(tier, corpus="wmt14.de-en", system=name)["training"] for name in ("aux", "cmlm")}
    assert (of["cmlm"]["gpus"], of["cmlm"]["threads"]) == (4, 8)
    assert 4 * 4000 < of["cmlm"]["memory"] < 4 * 10000
    tier = checked(lambda tier: tier["training"].update(threads=12, memory=50000), of="paper")
    training = settings(tier, corpus="wmt14.de-en", system="aux")["training"]
    assert (training["threads"], training["memory"]) == (12, 50000)
    # On a processor a training is one process, whatever `gpus` says.
    cpu = settings(checked(lambda tier: tier["training"].update(gpus=4)), corpus=DEMO["corpora"][0], system="aux")
    assert cpu["training"]["threads"] == 1 and 1000 < cpu["training"]["memory"] < 4000


def test_runs_are_those_of_tables_figures_and_what_they_start_from():
    tier = checked(
        lambda tier: tier.update(
            figures={},
            overviews={},
            tables={"table7": {"corpus": "demo.squad.src-tgt", "systems": ["bart-cmlm-nar"], "passes": [1]}},
        )
    )
    assert runs(tier, SYSTEMS) == [("demo.squad.src-tgt", "bart-cmlm-nar"), ("demo", "bart-cmlm"), ("demo", "bart")]


def test_all_that_a_schema_refuses_is_said_at_once():
    def change(tier):
        tier["training"] |= {"lr": -1, "max_updat": 3, "dropout": 2}
        tier["model"]["layers"] = 0
        tier["seeds"] = [1, 2, 1]
        del tier["decoding"]

    found = problems(change)
    assert len(found) == 6 and all(line.startswith("demo.yaml: ") for line in found)
    for said in (
        "demo.yaml: the key 'decoding' is missing",
        "model.layers: 0 is less than the minimum of 1",
        "seeds: 1 is repeated",
        "training: unknown key 'max_updat' (did you mean 'max_update'?)",
        "training.dropout: 2 is greater",
        "training.lr: -1 is less",
    ):
        assert sum(said in line for line in found) == 1, said


def test_all_unknown_and_all_missing_keys_are_said():
    def change(tier):
        tier["training"] |= {"lrr": 1, "drop": 2}
        for key in ("lr", "dropout"):
            del tier["training"][key]

    assert [line.split(";")[0].removeprefix("demo.yaml: training: ") for line in problems(change)] == [
        "unknown key 'drop' (did you mean 'dropout'?)",
        "unknown key 'lrr' (did you mean 'lr'?)",
        "the key 'dropout' is missing",
        "the key 'lr' is missing",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(value):
    found = problems(lambda tier: tier["training"].update(lr=value, hours=value))
    for key in ("lr", "hours"):
        assert any(line.startswith(f"demo.yaml: training.{key}: {value} is no finite number; ") for line in found)


def test_a_value_of_the_wrong_type_is_one_problem():
    assert len(problems(lambda tier: tier.update(training=None))) == 1
    assert len(problems(lambda tier: tier.update(tables=["table1"]))) == 1


def test_a_long_value_is_not_shown_whole():
    (line,) = problems(lambda tier: tier.update(mirror=list(range(999))))
    assert "998] is not of type 'string', 'null'" in line and len(line) < 300


def test_a_seed_is_one_that_numpy_takes():
    assert "seeds.0: 4294967296 is greater" in problems(lambda tier: tier.update(seeds=[4294967296]))[0]
    assert checked(lambda tier: tier.update(seeds=[4294967295]))["seeds"] == [4294967295]
