"""Every recipe prepares a line of anybody's text as it prepared its test set."""

import pytest

from janus.files import read_lines
from janus.recipes.by_recipe import RECIPES, builder
from janus.rehearsal.mirror import make_corpus
from janus.text.prepare import prepare

# Recipes with what a corpus of theirs needs besides.
OPTIONS = {
    "grammar": {"train": 20, "valid": 3, "test": 9},
    "demo_summary": {"train": 20, "valid": 3, "test": 9},
    "demo_question": {"train": 20, "valid": 3, "test": 9},
    "demo_reply": {"train": 20, "valid": 3, "test": 9},
}


@pytest.fixture(scope="module")
def manifest():
    from pathlib import Path

    from janus.fetching.manifest import load_manifest

    return load_manifest(Path(__file__).resolve().parents[2] / "config/corpora.yaml")


def corpus_of(recipe, manifest):
    from dataclasses import replace

    found = next(corpus for corpus in manifest.corpora.values() if corpus.recipe == recipe)
    return replace(found, lines={}, blobs={}, options={**found.options, **OPTIONS.get(recipe, {})})


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe != "plain"])
def test_untokenised_test_sentences_become_the_tokens_of_the_test_set(recipe, manifest, tmp_path):
    corpus = corpus_of(recipe, manifest)
    if corpus.downloads:
        for name, content in make_corpus(corpus).files.items():
            (tmp_path / name).write_bytes(content)
        from dataclasses import replace

        corpus = replace(corpus, downloads=tuple(replace(one, sha256=None) for one in corpus.downloads))
    prepare(corpus, tmp_path, tmp_path / "out")
    form = builder(recipe).form
    for side in corpus.sides:
        raw, tokens = (read_lines(tmp_path / f"out/{kind}/test.{side}") for kind in ("raw", "tok"))
        assert [" ".join(form(line, side, corpus).split()) for line in raw] == tokens
