"""What the corpus tests share: a manifest entry in the making, and the real data where it lies beside the checkout."""

from pathlib import Path

import pytest

from janus.corpora.manifest import Corpus, Download

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def corpus_entry():
    """A function that makes a corpus of a recipe from keyword changes."""

    def make(recipe: str, names: tuple[str, ...] = (), **changes) -> Corpus:
        entry = {
            "name": f"test.{changes.get('source', 'de')}-{changes.get('target', 'en')}",
            "source": "de",
            "target": "en",
            "recipe": recipe,
            "licence": "none",
            "lowercase": True,
            "merges": 10,
            "downloads": tuple(Download(name, name, (f"https://nowhere.invalid/{name}",)) for name in names),
        }
        return Corpus(**entry | changes)

    return make
