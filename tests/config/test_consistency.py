"""Every shipped tier makes sense, and all that does not is said at once."""

import pytest
from checked_tiers import checked, problems, systems_of
from tier_files import TIERS

from janus.config.tiers import runs, settings
from janus.errors import InputError, InputErrors


@pytest.mark.parametrize("name", TIERS)
def test_every_tier_makes_sense(name):
    tier = checked(of=name)
    for corpus, system in runs(tier, systems_of(name)):
        training = settings(tier, corpus=corpus, system=system)["training"]
        gpus = training["gpus"] if tier["device"] == "cuda" else 1
        least = 4000 * gpus if tier["device"] == "cuda" else 1000
        assert training["memory"] >= least and training["threads"] >= gpus


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
