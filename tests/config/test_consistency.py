"""Configs that match their schema and make no sense, or could not come to their end."""

import copy

import pytest
from checked_tiers import CORPORA, DEMO, ROOT, SCHEMAS, SYSTEMS, TEXTS, checked, problems
from tier_files import TIERS

from janus.config.consistency import check_sense
from janus.config.system_entries import with_entries
from janus.config.tiers import averages, check, read_yaml, runs, settings
from janus.errors import InputError, InputErrors


def test_a_baseline_decodes_in_the_manner_it_is_compared_in():
    systems = copy.deepcopy(SYSTEMS)
    systems["janus-paper"]["baselines"]["nar"] = "transformer"
    tier = with_entries(check(DEMO, SCHEMAS / "tier.schema.yaml", where="demo.yaml"), systems)
    with pytest.raises(InputError, match="systems.yaml: janus-paper.baselines: transformer does not decode as nar"):
        check_sense(tier, systems, CORPORA, texts=TEXTS, models=[], where="demo.yaml")


def test_every_baseline_of_several_must_exist(monkeypatch):
    monkeypatch.setitem(SYSTEMS, "aux", SYSTEMS["aux"] | {"baselines": {"nar": ["cmlm", "cmlm-cor"]}})
    with pytest.raises(InputError, match=r"aux.baselines: unknown system 'cmlm-cor' \(did you mean 'cmlm-corr'\?\)"):
        checked()


def with_equal_budget(overrides):
    """The demo without the rows that have training settings of their own."""

    def change(tier):
        tier.update(budget="equal", overrides=overrides, overviews={})
        del tier["tables"]["table1"]["more"]

    return change


def test_equal_budgets_allow_no_training_of_ones_own():
    own = {"systems": ["cmlm"], "training": {"max_update": 7}}
    assert checked(lambda tier: tier.update(overrides=[own]))["budget"] == "authors"
    with pytest.raises(InputError, match=r"demo.yaml: overrides.0.training: different training settings for cmlm only"):
        checked(with_equal_budget([own]))
    of_a_corpus = {"corpora": ["demo.iwslt14.de-en"], "training": {"max_update": 7}}
    checked(with_equal_budget([of_a_corpus]))
    with pytest.raises(InputError, match=r"systems.yaml: ctc-dslp.training: different training settings for ctc-dslp"):
        checked(lambda tier: with_equal_budget([])(tier) or tier["tables"]["table1"]["systems"].append("ctc-dslp"))


def test_equal_budgets_average_every_row_of_a_task():
    authors, equal = checked(), checked(with_equal_budget([]))
    averaged = {name: (averages(authors, SYSTEMS[name]), averages(equal, SYSTEMS[name])) for name in SYSTEMS}
    assert averaged["transformer"] == (False, True) and averaged["cmlm"] == (True, True)
    # Tasks start from the checkpoint of best validation loss of a pre-training.
    assert averaged["bart-janus-paper"] == (False, False)


def test_the_row_that_is_added_to_must_exist(monkeypatch):
    monkeypatch.setitem(SYSTEMS, "aux", SYSTEMS["aux"] | {"adds_to": ["cmml"]})
    with pytest.raises(InputError, match=r"aux.adds_to: unknown system 'cmml' \(did you mean 'cmlm'\?\)"):
        checked()


def test_patience_needs_validation_bleu_and_outlasts_the_average():
    patient = {"patience": 3, "valid_bleu_sentences": 10, "average_checkpoints": 4}
    checked(lambda tier: tier.update(training=tier["training"] | patient, overrides=[]))
    with pytest.raises(InputError, match="patience needs a validation BLEU, which is not computed"):
        checked(lambda tier: tier["training"].update(patient | {"valid_bleu_sentences": 0}))
    with pytest.raises(InputError, match="patience: 3 may end a training after 4 checkpoints, but 5 are averaged"):
        checked(lambda tier: tier["training"].update(patient | {"average_checkpoints": 5}))


@pytest.mark.parametrize("name", TIERS)
def test_every_tier_makes_sense(name):
    tier = checked(of=name)
    for corpus, system in runs(tier, SYSTEMS):
        training = settings(tier, corpus=corpus, system=system)["training"]
        gpus = training["gpus"] if tier["device"] == "cuda" else 1
        least = 4000 * gpus if tier["device"] == "cuda" else 1000
        assert training["memory"] >= least and training["threads"] >= gpus


def test_the_paper_tier_trains_on_no_more_gpus_than_a_machine_has():
    tier = checked(of="paper")
    block = settings(tier, corpus="wikipedia-bookcorpus", system="bart-cmlm")["training"]
    assert block["gpus"] <= tier["machine"]["gpus"] == 4
    # 1,024 blocks of 512 tokens an update (section 4.2), however many GPUs share them.
    assert block["gpus"] * block["max_tokens"] * block["update_freq"] == 1024 * 512


@pytest.mark.parametrize(
    ("tier", "change", "words"),
    [
        # What a tier says for trainings on one GPU does not do for an override with four.
        ("paper", lambda tier: tier["training"].update(memory=4000), ["4,000 MiB", "4 GPUs", "14,400"]),
        ("paper", lambda tier: tier["training"].update(threads=1), ["1 threads for 4 GPUs", "at least 4"]),
        (
            "paper",
            lambda tier: tier["overrides"].append({"systems": ["aux"], "training": {"gpus": 8}}),
            ["training of aux on iwslt14.de-en", "asks for gpus: 8, but a machine has 4", "update_freq"],
        ),
        (
            "paper",
            lambda tier: tier.update(machine={"gpus": 4, "memory": 60000}),
            [
                "training of bart-janus-paper on wikipedia-bookcorpus and 2 more",
                "asks for memory: 64000, but a machine has 60000",
            ],
        ),
        # Ten epochs, one checkpoint every ten, five to average.
        (
            "demo",
            lambda tier: tier["training"].update(max_epoch=10, save_interval=10),
            ["max_epoch: 10 allows 1 checkpoints with one every 10 epochs, but 2 are averaged", "training of"],
        ),
        ("demo", lambda tier: tier["training"].update(max_epoch=1), ["max_epoch: 1 allows 1 checkpoints, but 2 are"]),
        (
            "demo",
            lambda tier: tier["overrides"].append({"training": {"max_update": 1}}),
            ["max_update: 1 allows 1 checkpoints, but 2 are averaged"],
        ),
        (
            "demo",
            lambda tier: tier["tables"]["table1"]["columns"].update({"demo.wmt14.de-en": "WMT14 De-En"}),
            ["tables.table1.columns.demo.wmt14.de-en", "Table 1 has no column 'WMT14 De-En'", "WMT14 De→En", "new:"],
        ),
        (
            "demo",
            lambda tier: tier["tables"]["table6"]["columns"].update({"demo.wmt14.de-en": "WMT14 De→En"}),
            ["Table 6 has no column 'WMT14 De→En'", "choose from: IWSLT14 De→En, WMT16 Ro→En"],
        ),
        # `Iter` describes the rows and contains no scores.
        (
            "demo",
            lambda tier: tier["tables"]["table1"]["columns"].update({"demo.wmt14.de-en": "Iter"}),
            ["Table 1 has no column 'Iter'"],
        ),
        ("demo", lambda tier: tier["figures"]["figure5"].update(corpus="demo"), ["figure5: demo is running text"]),
    ],
)
def test_what_could_not_come_to_its_end_is_found_when_planning(tier, change, words):
    found = problems(change, of=tier)
    assert any(all(word in line for word in words) for line in found), found


def test_a_published_row_that_no_table_has_is_found_when_planning():
    systems = copy.deepcopy(SYSTEMS)
    systems["cmlm"]["published"][0]["row"] = "CLMM"
    found = problems(lambda tier: None, systems=systems)
    assert len(found) == 1 and "cmlm.published: the paper's Table 1 has no row 'CLMM'" in found[0]


def test_several_problems_are_said_at_once():
    def change(tier):
        tier["training"]["memory"] = 4000
        tier["overrides"].append({"systems": ["aux"], "training": {"gpus": 8}})
        tier["tables"]["table1"]["columns"]["wmt14.de-en"] = "WMT41 De→En"

    with pytest.raises(InputErrors) as caught:
        checked(change, of="paper")
    for words in ("WMT41", "a machine has 4", "MiB of memory for 4 GPUs"):
        assert any(words in str(problem) for problem in caught.value.problems), caught.value
    assert all(isinstance(problem, InputError) and "\n" not in str(problem) for problem in caught.value.problems)


def test_names_that_nothing_knows_are_all_said():
    found = problems(lambda tier: (tier["corpora"].append("x.a-b"), tier["tables"]["table3"]["systems"].append("cmml")))
    assert len(found) == 2 and "'x.a-b'" in found[0] and "did you mean 'cmlm'" in found[1]


def test_a_rehearsal_may_ask_a_processor_for_fp16():
    checked(lambda tier: (tier["training"].update(precision="fp16"), tier.update(rehearsal=True)))


def test_heads_divide_the_width():
    said = "demo.yaml: model: 5 heads do not divide the width 64; make `embed_dim` a multiple of `heads`"
    assert problems(lambda tier: tier["model"].update(heads=5)) == [said]
    assert problems(lambda tier: tier["overrides"].append({"systems": ["cmlm"], "model": {"heads": 5}})) == [said]


def altered(name, **changes):
    return SYSTEMS | {name: SYSTEMS[name] | changes}


def test_rows_of_one_label_are_refused():
    (line,) = problems(lambda tier: None, systems=altered("aux", label="CMLM"))
    assert line.endswith("aux.label: the label 'CMLM' is also used by cmlm; give each row its own label")


@pytest.mark.parametrize("label", ["", "a\nb", "CMLM\n", " CMLM", "a\rb", "a\u2028b", "a\x1bb"])
def test_a_label_is_a_line(label):
    systems = read_yaml(ROOT / "config/systems.yaml")
    systems["aux"]["label"] = label
    with pytest.raises(InputError, match="aux.label: .* is not a line of text without a space at its ends") as caught:
        check(systems, SCHEMAS / "systems.schema.yaml", where="here")
    assert len(str(caught.value).splitlines()) == 1


def test_a_joint_model_without_losses_is_refused():
    none = dict.fromkeys(SYSTEMS["aux"]["losses"], 0)
    (line,) = problems(lambda tier: None, systems=altered("aux", losses=none))
    assert "aux.losses: no loss has a weight, so nothing would be learnt" in line


@pytest.mark.parametrize("head", ["IWSLT14 De→En", {"new": "Mine"}])
def test_two_corpora_in_one_column_are_refused(head):
    first, second = DEMO["corpora"][:2]
    (line,) = problems(lambda tier: tier["tables"]["table1"].update(columns={first: head, second: head}))
    assert f"tables.table1.columns.{second}: the column" in line and f"is also used by {first}" in line


@pytest.mark.parametrize(
    "starts", [{"bart-cmlm": "bart-cmlm"}, {"bart-cmlm": "bart-janus-paper", "bart-janus-paper": "bart-cmlm"}]
)
def test_systems_that_start_from_one_another_are_refused(starts):
    systems = SYSTEMS | {name: SYSTEMS[name] | {"start": start} for name, start in starts.items()}
    for line in problems(lambda tier: None, systems=systems):
        assert "bart-cmlm starts from" in line or "bart-janus-paper starts from" in line


def test_a_base_that_starts_from_the_base_is_refused():
    (line,) = problems(lambda tier: tier["pretraining"].update(base="bart-cmlm"))
    assert "bart-cmlm.start: bart-cmlm starts from bart-cmlm; " in line and "pretraining.base" in line
