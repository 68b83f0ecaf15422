"""Systems that are compared with others, their labels and their options."""

import copy

import pytest
from checked_tiers import CORPORA, DEMO, SCHEMAS, SYSTEMS, TEXTS, checked, problems

from janus.config.consistency import check_sense
from janus.config.system_entries import with_entries
from janus.config.tiers import check
from janus.errors import InputError


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


def test_the_row_that_is_added_to_must_exist(monkeypatch):
    monkeypatch.setitem(SYSTEMS, "aux", SYSTEMS["aux"] | {"adds_to": ["cmml"]})
    with pytest.raises(InputError, match=r"aux.adds_to: unknown system 'cmml' \(did you mean 'cmlm'\?\)"):
        checked()


def altered(name, **changes):
    return SYSTEMS | {name: SYSTEMS[name] | changes}


def test_rows_of_one_label_are_refused():
    (line,) = problems(lambda tier: None, systems=altered("aux", label="CMLM"))
    assert line.endswith("aux.label: the label 'CMLM' is also used by cmlm; give each row its own label")


def test_a_joint_model_without_losses_is_refused():
    none = dict.fromkeys(SYSTEMS["aux"]["losses"], 0)
    (line,) = problems(lambda tier: None, systems=altered("aux", losses=none))
    assert "aux.losses: no loss has a weight, so nothing would be learnt" in line
