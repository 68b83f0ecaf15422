"""docs/clusters.md says what is counted, and only options that exist."""

from collections import Counter
from pathlib import Path

import pytest
from checked_tiers import checked
from paper_cost import GFLOPS, hours, table, trainings

from janus.config.tiers import settings
from janus.slurm import WARNING

PAGE = (Path(__file__).resolve().parents[1] / "docs/clusters.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found():
    return trainings()


def test_the_costs_are_those_of_the_plan(found):
    assert table(found) in PAGE
    assert f"`janus plan --configfile config/paper.yaml --gflops {GFLOPS}`" in PAGE
    assert round(0.25 * 312e3) == GFLOPS and "25 % of the 312 TFLOP/s of an A100" in PAGE


def test_the_order_follows_the_costs(found):
    """IWSLT14 is the smallest corpus of translation, and WMT14 about three quarters of its hours."""
    corpora = Counter()
    for one in found:
        if one["corpus"].startswith(("iwslt", "wmt")):
            corpora[one["corpus"]] += hours(one)
    assert min(corpora, key=corpora.get) == "iwslt14.de-en"
    share = sum(number for corpus, number in corpora.items() if corpus.startswith("wmt14")) / corpora.total()
    assert 0.7 < share < 0.8


def test_no_training_takes_longer_than_the_tier_grants(found):
    tier = checked(of="paper")
    for one in found:
        granted = settings(tier, corpus=one["corpus"], system=one["system"])["training"]["hours"]
        assert hours(one) / one["gpus"] < granted, one


def test_the_warning_is_the_one_that_jobs_are_submitted_with():
    assert f"`--signal={WARNING}`" in PAGE and WARNING == "USR1@300"
