"""Distilled corpora in a tier: their names, their teachers, and the settings that they share with the raw corpus."""

import pytest
from checked_tiers import CORPORA, SYSTEMS, checked, problems

from janus.config.distilled import raw_of, teachers, with_distilled
from janus.config.tiers import runs, settings, used_systems

RAW = "demo.iwslt14.de-en"
KD = f"{RAW}+kd"
# A row that the demo does not have otherwise.
TEACHER = "transformer-core-6-1"


def distilled(tier, name=KD, shown=True, **entry):
    tier["distilled"] = {name: {"teacher": TEACHER} | entry}
    if shown:
        tier["tables"]["table1"]["columns"][KD] = {"new": "Distilled"}


def test_a_tier_names_a_teacher_alone():
    tier = checked(distilled)
    assert tier["distilled"] == {KD: {"teacher": TEACHER, "beam": 5, "shards": 8}}
    assert (raw_of(KD), raw_of(RAW), raw_of("")) == (RAW, RAW, "")


def test_it_is_the_raw_corpus_under_another_name():
    made, raw = with_distilled(CORPORA, checked(distilled))[KD], CORPORA[RAW]
    assert (made.name, made.published, made.downloads) == (KD, "", ())
    assert (made.sides, made.recipe, made.merges, made.task) == (raw.sides, raw.recipe, raw.merges, raw.task)


def test_the_teacher_is_trained_on_the_raw_corpus():
    tier = checked(distilled)
    assert teachers(tier) == {(RAW, TEACHER): None}
    found = runs(tier, SYSTEMS)
    assert (RAW, TEACHER) in found and (KD, TEACHER) not in found and (KD, "cmlm") in found
    assert TEACHER in used_systems(tier)


def test_a_corpus_that_nothing_shows_needs_no_teacher():
    assert (RAW, TEACHER) not in runs(checked(lambda tier: distilled(tier, shown=False)), SYSTEMS)


def test_overrides_of_the_raw_corpus_hold_and_its_own_replace_them():
    def change(tier):
        distilled(tier)
        tier["overrides"] = [
            {"corpora": [RAW], "training": {"max_update": 7, "warmup_updates": 3}},
            {"corpora": [KD], "training": {"max_update": 9}},
        ]

    tier = checked(change)
    of_raw, of_distilled = (settings(tier, corpus=name, system="cmlm")["training"] for name in (RAW, KD))
    assert (of_raw["max_update"], of_raw["warmup_updates"]) == (7, 3)
    assert (of_distilled["max_update"], of_distilled["warmup_updates"]) == (9, 3)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"teacher": "transformr"},
            f"distilled.{KD}.teacher: unknown system 'transformr' (did you mean 'transformer'?)",
        ),
        ({"teacher": "cmlm"}, f"distilled.{KD}.teacher: cmlm does not decode as ar"),
        ({"teacher": "bart"}, f"distilled.{KD}.teacher: bart does not decode as ar"),
        ({"beam": 0}, "0 is less than the minimum of 1"),
        ({"name": "demo.iwslt14.de-fr+kd", "shown": False}, "unknown corpus 'demo.iwslt14.de-fr'"),
        ({"name": RAW, "shown": False}, "a corpus, a plus and a name"),
    ],
)
def test_a_wrong_entry_is_named(entry, message):
    found = problems(lambda tier: distilled(tier, **entry))
    assert any(message in line for line in found), found
