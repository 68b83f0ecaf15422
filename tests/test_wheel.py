"""An installed wheel works as the checkout does, except for what needs the workflow beside it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
# Prints where the package is, and the data files that it finds.
FILES = """
import janus.report.page, kernels, janus.data as data
from pathlib import Path
print(Path(data.__file__).parents[1])
suffixes = (".yaml", ".csv", ".cpp", ".h", ".jinja", ".css", ".js")
for folder in (data.SCHEMAS, data.PUBLISHED, Path(kernels.__file__).parent, Path(janus.report.page.__file__).parent):
    print(sorted(path.name for path in folder.rglob("*") if path.suffix in suffixes))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which a wheel of this tree is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("janus", "kernels", "workflow"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", folder]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (folder / "dist").iterdir()
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "there", wheel], check=True, capture_output=True)
    return folder / "there"


def run(packages, folder, *words):
    """Python with the packages of a folder, run in another."""
    environment = os.environ | {"PYTHONPATH": str(packages)}
    command = [sys.executable, "-P", *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_it_has_all_data_files(installed, tmp_path):
    ours, theirs = (run(packages, tmp_path, "-c", FILES) for packages in (ROOT, installed))
    assert theirs.stdout.splitlines()[0] == str(installed / "janus"), theirs.stderr
    assert theirs.stdout.splitlines()[1:] == ours.stdout.splitlines()[1:]


@pytest.mark.parametrize("words", [("audit",), ("trials", "nothing"), ("claims", "nothing"), ("rehearse", "--help")])
def test_a_command_does_what_it_does_in_the_checkout(installed, tmp_path, words):
    ours, theirs = (run(packages, tmp_path, "-m", "janus", *words) for packages in (ROOT, installed))
    assert (theirs.returncode, theirs.stdout, theirs.stderr) == (ours.returncode, ours.stdout, ours.stderr)


def test_a_rehearsal_needs_a_clone(installed, tmp_path):
    found = run(installed, tmp_path, "-m", "janus", "rehearse", "--configfile", ROOT / "config/demo.yaml")
    assert found.returncode == 1
    assert found.stderr.endswith("no workflow beside the package; rehearse from a clone of the project\n")
