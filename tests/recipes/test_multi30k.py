import gzip
from pathlib import Path

import pytest
from real_data import BESIDE, needs

from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import load_manifest
from janus.files import read_json, read_lines
from janus.text.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
NAMES = tuple(
    f"multi30k-{split}.{language}.gz" for split in ("train", "val", "test_2016_flickr") for language in ("de", "en")
)
TEXT = {
    "de": ["Ein Mann, „groß“, läuft – ca. 120 cm.", "Zwei T-Shirts…"],
    "en": ['A man, "tall", isn\'t running.', "Two t-shirts..."],
}


@pytest.fixture
def downloads(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(gzip.compress("".join(line + "\n" for line in TEXT[name[-5:-3]]).encode()))
    return tmp_path


def test_text_is_lowercased_normalised_and_tokenised(corpus_entry, downloads):
    prepare(corpus_entry("multi30k", NAMES), downloads, downloads / "out")
    out = downloads / "out"
    assert read_lines(out / "tok/train.de") == [
        "ein mann , &quot; groß &quot; , läuft - ca. 120 cm .",
        "zwei t-shirts ...",
    ]
    assert read_lines(out / "tok/test.en") == ["a man , &quot; tall , &quot; isn &apos;t running .", "two t-shirts ..."]
    assert read_lines(out / "raw/test.en") == ['a man, "tall", isn\'t running.', "two t-shirts..."]


def test_an_empty_test_line_stops_and_leaves_no_corpus(corpus_entry, downloads):
    (downloads / NAMES[-1]).write_bytes(gzip.compress(b"one\n\n"))
    with pytest.raises(InputError, match=r"test_2016_flickr\.en:2: empty line"):
        prepare(corpus_entry("multi30k", NAMES), downloads, downloads / "out")
    assert list((downloads / "out").rglob("*.*")) == []


@pytest.mark.slow
@needs("multi30k", "its text comes without a licence")
def test_the_real_corpus_has_its_known_size_and_upstreams_tokens(tmp_path):
    """The tokens quoted are upstream's own (data/task1/tok/val.lc.norm.tok.de), places where tokenisers part."""
    corpus = load_manifest(ROOT / "config" / "corpora.yaml").corpora["multi30k.de-en"]
    for download in corpus.downloads:
        fetch(download, tmp_path, mirror=str(BESIDE / "multi30k"), progress=False)
    prepare(corpus, tmp_path, tmp_path / "out")
    facts = read_json(tmp_path / "out" / "corpus.json")
    assert facts["lines"] == {"train": 29000, "valid": 1014, "test": 1000}
    assert {item["trust"] for item in facts["downloads"].values()} == {"manifest"}
    valid = "\n".join(read_lines(tmp_path / "out" / "tok" / "valid.de"))
    for words in ("durchmesser von ca. 120 cm und", "als spiderman verkleidetes", "giants-trikot"):
        assert words in valid
