"""docs/clusters.md says what is counted, and only options that exist."""

from pathlib import Path

import pytest
from checked_tiers import checked
from paper_cost import costs, table

from janus.config.tiers import settings
from janus.slurm import WARNING

PAGE = (Path(__file__).resolve().parents[1] / "docs/clusters.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found():
    return costs()


def test_the_costs_are_those_that_are_counted(found):
    assert table(found) in PAGE


def test_the_order_follows_the_costs(found):
    """IWSLT14 is the smallest corpus of translation, and WMT14 two thirds of its hours."""
    hours = {}
    for cost in found:
        hours[cost.corpus] = hours.get(cost.corpus, 0) + cost.gpu_hours
    translation = {corpus: number for corpus, number in hours.items() if "-" in corpus and "tgt" not in corpus}
    translation.pop("wikipedia-bookcorpus")
    assert min(translation, key=translation.get) == "iwslt14.de-en"
    share = sum(number for corpus, number in translation.items() if corpus.startswith("wmt14")) / sum(
        translation.values()
    )
    assert 0.6 < share < 0.8


def test_no_training_takes_longer_than_the_tier_grants(found):

    tier = checked(of="paper")
    for cost in found:
        granted = settings(tier, corpus=cost.corpus, system=cost.system)["training"]["hours"]
        assert cost.hours < granted


def test_the_warning_is_the_one_that_jobs_are_submitted_with():
    assert f"`--signal={WARNING}`" in PAGE and WARNING == "USR1@300"
