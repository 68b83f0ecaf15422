"""Names become folders, words of commands and wildcards: those that could mean more are refused where they are read."""

import pytest
import yaml
from checked_tiers import SCHEMAS, problems

from janus.config.system_entries import load_systems
from janus.errors import InputError
from janus.fetching.manifest import load_manifest

NAMES = [
    "a b",
    "a;b",
    "a|b",
    "$(x)",
    "`x`",
    "a&b",
    "-x",
    "--x",
    "a\nb",
    "a\n",
    "é",
    "../x",
    "a/b",
    "/a",
    "'",
    '"',
    "",
    "*",
    "{a}",
]
CORPUS = {"source": "de", "target": "en", "recipe": "grammar", "licence": "free", "lowercase": True, "merges": 10}


@pytest.mark.parametrize("name", NAMES)
def test_no_tier_is_called_so(name):
    (line,) = problems(lambda tier: tier.update(tier=name))
    assert line.startswith("demo.yaml: tier: ")


@pytest.mark.parametrize("name", [*(f"{name}.de-en" for name in NAMES if name), "a.de-en\n", "a.de-en;x"])
def test_no_corpus_is_called_so(name, tmp_path):
    path = tmp_path / "corpora.yaml"
    path.write_text(yaml.safe_dump({"corpora": {name: CORPUS}}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_manifest(path)
    assert "corpora.yaml" in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_system_is_called_so(name, tmp_path):
    path = tmp_path / "systems.yaml"
    entry = {"label": "A", "method": "transformer", "manners": ["ar"]}
    path.write_text(yaml.safe_dump({name: entry}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_systems(path, SCHEMAS)
    assert "systems.yaml" in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["my data", "$(touch pwned)", "it's", '"a"', "-n", "größe", "a;b", "{x.__class__}", "{0}"]
)
def test_own_files_may_be_called_anything(name, tmp_path):
    path = tmp_path / "corpora.yaml"
    corpus = CORPUS | {"recipe": "plain", "options": {"files": f"{name}/{{split}}.{{language}}"}}
    path.write_text(yaml.safe_dump({"corpora": {"own.de-en": corpus}}, allow_unicode=True), encoding="utf-8")
    files = load_manifest(path).corpora["own.de-en"].own_files
    assert [str(file.relative_to(tmp_path)) for file in files][:2] == [f"{name}/train.de", f"{name}/train.en"]


@pytest.mark.parametrize("number", ["{number:09999999999d}", "{number.__class__}", "{number!r}", "{x}"])
def test_a_number_in_the_name_of_a_download_is_only_a_number(number, tmp_path):
    path = tmp_path / "corpora.yaml"
    item = {"name": f"a{number}.gz", "path": "a.gz", "addresses": [], "trust": "first-use", "numbers": [1, 2]}
    path.write_text(yaml.safe_dump({"corpora": {"a.de-en": CORPUS | {"downloads": [item]}}}), encoding="utf-8")
    with pytest.raises(InputError, match="corpora.yaml, corpora.a.de-en.downloads.0.name: "):
        load_manifest(path)
