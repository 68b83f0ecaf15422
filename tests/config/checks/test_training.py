"""Budgets, resources, checkpoints, stopping and widths that a tier may not have."""

import pytest
from checked_tiers import SYSTEMS, checked, problems

from janus.config.tiers import averages, settings
from janus.errors import InputError


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


def test_patience_needs_validation_bleu_and_outlasts_the_average():
    patient = {"patience": 3, "valid_bleu_sentences": 10, "average_checkpoints": 4}
    checked(lambda tier: tier.update(training=tier["training"] | patient, overrides=[]))
    with pytest.raises(InputError, match="patience needs a validation BLEU, which is not computed"):
        checked(lambda tier: tier["training"].update(patient | {"valid_bleu_sentences": 0}))
    with pytest.raises(InputError, match="patience: 3 may end a training after 4 checkpoints, but 5 are averaged"):
        checked(lambda tier: tier["training"].update(patient | {"average_checkpoints": 5}))


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
    ],
)
def test_a_training_that_could_not_come_to_its_end_is_found_when_planning(tier, change, words):
    found = problems(change, of=tier)
    assert any(all(word in line for word in words) for line in found), found


def test_a_rehearsal_may_ask_a_processor_for_fp16():
    checked(lambda tier: (tier["training"].update(precision="fp16"), tier.update(rehearsal=True)))


def test_heads_divide_the_width():
    said = "demo.yaml: model: 5 heads do not divide the width 64; make `embed_dim` a multiple of `heads`"
    assert problems(lambda tier: tier["model"].update(heads=5)) == [said]
    assert problems(lambda tier: tier["overrides"].append({"systems": ["cmlm"], "model": {"heads": 5}})) == [said]
