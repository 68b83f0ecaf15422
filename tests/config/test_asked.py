"""A row whose decoding asks another system: that one is trained and checked, on every corpus of the row."""

import copy

import pytest
from checked_tiers import CORPORA, DEMO, SCHEMAS, SYSTEMS, TEXTS

from janus.config.consistency import check_sense
from janus.config.system_entries import with_entries
from janus.config.tiers import asked_systems, check, runs, used_systems
from janus.errors import InputError

CORPUS = "demo.iwslt14.de-en"


def with_row(rescore="transformer-core"):
    """The demo with a row of re-scoring alone in Table 1, and the systems."""
    systems = copy.deepcopy(SYSTEMS)
    systems["glat-rescored"]["decoding"]["rescore"] = rescore
    table = {"systems": ["glat-rescored"], "columns": {CORPUS: "IWSLT14 De→En"}}
    tier = check(
        DEMO | {"tables": {"table1": table}, "figures": {}, "overviews": {}},
        SCHEMAS / "tier.schema.yaml",
        where="demo.yaml",
    )
    return with_entries(tier, systems), systems


def test_the_asked_system_is_trained_and_checked_too():
    tier, systems = with_row()
    assert asked_systems(tier, CORPUS, "glat-rescored") == ["transformer-core"]
    assert runs(tier, systems) == [(CORPUS, "glat"), (CORPUS, "transformer-core")]
    assert used_systems(tier) == ["glat-rescored", "transformer-core", "glat"]
    check_sense(tier, systems, CORPORA, texts=TEXTS, models=["bart.base"], where="demo.yaml")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("transformr-core", r"decoding: unknown system 'transformr-core' \(did you mean 'transformer-core'\?\)"),
        ("cmlm", "glat-rescored.decoding: cmlm does not decode as ar"),
    ],
)
def test_a_system_that_cannot_score_is_named(name, message):
    tier, systems = with_row(name)
    with pytest.raises(InputError, match=message):
        check_sense(tier, systems, CORPORA, texts=TEXTS, models=["bart.base"], where="demo.yaml")
