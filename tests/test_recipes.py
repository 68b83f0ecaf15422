"""The recipes that tests and benchmarks name in Python are those that config/systems.yaml trains."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from janus.methods.base import joint_loss as objective

SYSTEMS = yaml.safe_load((Path(__file__).parents[1] / "config" / "systems.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "weights"), [("janus-paper", objective.PAPER), ("janus-release", objective.RELEASE)], ids=str
)
def test_weights_of_the_losses(name, weights):
    counted = {term: value for term, value in asdict(weights).items() if not isinstance(value, str) and value}
    assert counted == SYSTEMS[name]["losses"]
