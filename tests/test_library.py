"""`import janus`: fast, and with the names that the docs give."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import janus
import janus.library

ROOT = Path(__file__).resolve().parents[1]


def test_importing_it_imports_nothing_slow():
    code = "import sys, janus; janus.__version__; dir(janus); janus.InputError\nprint(len(sys.modules), *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, *loaded = done.stdout.split()
    assert not {"torch", "fairseq", "numpy", "yaml", "sacrebleu", "matplotlib", "pandas"} & set(loaded)
    assert int(count) < 250


def test_every_name_is_there_and_documented():
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    for name in janus.library.names():
        assert getattr(janus, name) is not None
        assert name == "__version__" or f"`{name}" in page, name
    assert janus.__all__ == dir(janus) == janus.library.names()


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'janus' has no attribute 'trainslate'"):
        janus.trainslate  # noqa: B018


def test_the_version_is_that_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    done = subprocess.run([sys.executable, "-m", "janus", "--version"], capture_output=True, text=True, check=True)
    assert janus.__version__ == project["version"] and done.stdout == f"janus {project['version']}\n"


def test_no_name_hides_a_package():
    packages = {path.stem for path in (ROOT / "janus").iterdir()}
    assert not packages & set(janus.library.names())


@pytest.mark.slow
def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    """On a run with random weights: the calls and what they return, not the words."""
    from translator_run import COUNTS, make_run

    from janus.fetching.manifest import Corpus

    facts = {"source": "de", "target": "en", "recipe": "grammar", "licence": "", "lowercase": True, "merges": 60}
    run = make_run(tmp_path, Corpus("demo.iwslt14.de-en", **facts, options=COUNTS))
    run.parent.rename(run.parents[1] / "janus-paper")
    (tmp_path / "results/tiny").rename(tmp_path / "results/demo")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/library.md", "exec"), names)
    assert len(names["left_to_right"]) == len(names["in_parallel"]) == 2
    assert len(names["translation"].outputs[0].passes) == 4
    assert names["scores"]["bleu_tok"]["signature"]
