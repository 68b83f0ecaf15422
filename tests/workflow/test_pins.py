"""requirements.lock, pyproject.toml, envs/ and the Makefile agree with each other and with what is installed."""

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines):
    return {
        canonical(name): version for name, _, version in (line.strip().partition("==") for line in lines) if version
    }


def locked(name):
    return pins(line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#"))


LOCK = locked("requirements.lock")
PARQUET = locked("requirements-parquet.lock")


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_an_environment_repeats_the_lock(path):
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    pip = next(item["pip"] for item in dependencies if isinstance(item, dict))
    assert all("==" in line for line in pip)
    wanted = pins(pip)
    assert wanted == {name: (LOCK | PARQUET).get(name) for name in wanted}


def test_the_image_installs_the_lock_as_the_makefile_does():
    image, makefile = ((ROOT / name).read_text() for name in ("envs/janus.def", "Makefile"))
    assert "requirements.lock /opt/requirements.lock" in image and "From: python:3.11" in image
    # fairseq last, and not in a build of its own, which would fetch another torch.
    for step in ("grep -v -e '^fairseq-fixed==' -e '^#'", "--no-build-isolation --no-deps -r"):
        assert step in image and step in makefile


def test_downloads_are_read_where_rules_have_an_environment_of_their_own():
    """What a plan asks of the Python that plans (test_bad_config.py) is in the environment of the rules that read."""
    assert "pyarrow" in (ROOT / "envs/corpora.yaml").read_text() and PARQUET.keys() == {"pyarrow"}


def test_every_environment_that_a_rule_names_exists():
    named = {
        name
        for path in (ROOT / "workflow/rules").glob("*.smk")
        for name in re.findall(r"envs/(\w+\.yaml)", path.read_text())
    }
    assert named == {path.name for path in ENVS}


def test_the_lock_satisfies_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["slurm"], *extras["parquet"], *extras["dev"]]:
        wanted = Requirement(line)
        assert Version((LOCK | PARQUET)[canonical(wanted.name)]) in wanted.specifier, line


def test_the_lock_holds_every_transitive_requirement():
    missing = set()
    for name in LOCK:
        for line in importlib.metadata.requires(name) or []:
            wanted = Requirement(line)
            if (wanted.marker is None or wanted.marker.evaluate({"extra": ""})) and canonical(wanted.name) not in LOCK:
                missing.add(f"{name} needs {wanted}")
    assert not missing


def test_the_lock_is_what_is_installed():
    installed = {name: importlib.metadata.version(name).partition("+")[0] for name in LOCK}
    assert installed == LOCK


def test_make_help_lists_the_targets():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {line.split()[1] for line in done.stdout.splitlines()} == {
        "help",
        "paper_tables",
        "report",
        "paper_figures",
        "check",
        "lint",
        "test",
        "test-fast",
        "rehearse",
        "bench",
        "mutants",
        "torture",
        "fuzz",
        "sbom",
        "audit-deps",
        "gpu-bundle",
        "audit",
        "clean",
    }


def test_the_fast_tests_are_those_without_a_marker(tmp_path):
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    wanted = " and ".join(f"not {line.partition(':')[0]}" for line in markers)
    # Nothing is to be installed, even where .venv is older than its lock.
    (tmp_path / "installed").touch()
    done = subprocess.run(
        ["make", "-n", "test-fast", f"VENV={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f'-m "{wanted}"' in done.stdout


def test_make_without_python_says_so_in_a_line(tmp_path):
    done = subprocess.run(
        ["make", "test", "PYTHON=no-such-python", f"VENV={tmp_path}/venv"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "make: no-such-python is not installed; install Python 3.11, or name one: make PYTHON=/path/to/python3.11"
    )
    assert not (tmp_path / "venv").exists()
