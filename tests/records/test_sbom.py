"""The bill of materials holds what the lock pins, and refers to nothing that it does not hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from janus.records.sbom import bill_of_materials

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bill():
    return bill_of_materials()


def test_every_pin_is_a_component(bill):
    lines = [line for name in ("requirements", "requirements-parquet") for line in read(f"{name}.lock")]
    assert {f"{one['name']}=={one['version']}" for one in bill["components"]} == set(lines)
    assert len(bill["components"]) == len(lines) > 100


def read(name):
    return [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]


def test_references_are_unique_and_resolve(bill):
    own = bill["metadata"]["component"]["bom-ref"]
    known = [own, *(one["bom-ref"] for one in bill["components"])]
    assert len(set(known)) == len(known)
    assert [one["ref"] for one in bill["dependencies"]].count(own) == 1
    for one in bill["dependencies"]:
        assert {one["ref"], *one["dependsOn"]} <= set(known)


def test_dependencies_are_those_of_the_packages(bill):
    needed = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert "pkg:pypi/markupsafe@3.0.4" in needed["pkg:pypi/jinja2@3.1.6"]
    assert any(one.startswith("pkg:pypi/torch@") for one in needed[bill["metadata"]["component"]["bom-ref"]])


def test_the_same_lock_gives_the_same_bytes(bill):
    said = subprocess.run(
        [sys.executable, "-m", "janus.records.sbom"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    assert json.loads(said) == bill and bill["serialNumber"].startswith("urn:uuid:")
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
