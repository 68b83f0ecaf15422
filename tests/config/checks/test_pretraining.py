"""Systems that start from one another."""

import pytest
from checked_tiers import SYSTEMS, problems


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
