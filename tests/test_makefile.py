"""The set-up and the targets of the Makefile, in a folder whose name shells take apart."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Makefile", "pyproject.toml", "README.md", "LICENSE", "janus", "kernels", "workflow", "config", "envs")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a folder with spaces, quotes and a dollar, to be set up by its own recipe.

    Its lock names what each new environment has already, and the other packages are those of the running one, so that
    nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("clone") / 'my suité\'s "$HOME" & co'
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / part)
    (folder / "Snakefile").write_bytes((ROOT / "Snakefile").read_bytes())
    (folder / "requirements.lock").write_text("# pinned\npip\n", encoding="utf-8")
    return folder


def make(folder: Path, *words: str, **more: str) -> str:
    packages = sysconfig.get_path("purelib")
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", *words],
        cwd=folder,
        env=environment | {"PYTHONPATH": packages} | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_set_up_and_a_target_work_in_a_path_with_spaces(suite: Path) -> None:
    said = make(suite, "audit")
    assert "3/3 this project" in said and "checks: " in said.splitlines()[-1]
    assert (suite / ".venv/bin/janus").is_file()
    assert make(suite, "audit") == "".join(said.partition("Done.\n")[2])


@pytest.mark.parametrize("home", ["/nonexistent", "/dev/null", "/proc"])
def test_snakemake_plans_there_without_a_home_to_write_to(home: str, suite: Path) -> None:
    assert "draw_figure2" in make(suite, "paper_figures", "SNAKEMAKE_ARGS=-n", HOME=home)
    assert (suite / ".venv/home").is_dir()
