"""Tatoeba's pairs with English: no English sentence is in two splits."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from real_data import BESIDE, needs

from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import load_manifest
from janus.files import read_json, read_lines
from janus.recipes.tatoeba import split_of
from janus.text.prepare import prepare

MANIFEST = Path(__file__).resolve().parents[2] / "config" / "corpora.yaml"
NAME = "tatoeba-ron-eng.zip"


def archive(folder: Path, lines: list[str], **more: str) -> None:
    with ZipFile(folder / NAME, "w") as opened:
        for name, text in {"ron.txt": "".join(f"{line}\n" for line in lines), "_about.txt": "about\n", **more}.items():
            opened.writestr(name, text)


def sentences(split: str, count: int) -> list[str]:
    found = (f"Number {i} is here." for i in range(10_000))
    return [line for line in found if split_of(line) == split][:count]


def test_every_pair_of_a_sentence_is_in_its_split(tmp_path, corpus_entry):
    english = {split: sentences(split, count) for split, count in (("train", 5), ("valid", 2), ("test", 3))}
    lines = [
        f"{line}\t{form} {i}.\tCC-BY" for i, line in enumerate(sum(english.values(), [])) for form in ("Una", "Alta")
    ]
    archive(tmp_path, lines)
    prepare(corpus_entry("tatoeba", (NAME,), source="ro", lowercase=False), tmp_path, tmp_path / "out")
    assert read_json(tmp_path / "out/corpus.json")["lines"] == {"train": 10, "valid": 4, "test": 6}
    assert set(read_lines(tmp_path / "out/raw/test.en")) == set(english["test"])
    assert read_lines(tmp_path / "out/tok/test.ro")[0].endswith(" .")


def test_the_split_of_a_sentence_is_that_of_its_lower_case():
    assert split_of(" Run! ") == split_of("run!")


@pytest.mark.parametrize(
    ("lines", "more", "message"),
    [(["Hi."], {}, "ron.txt:1: no tab"), (["Hi.\tBună."], {"two.txt": ""}, "it holds 2 texts")],
)
def test_another_archive_is_refused(tmp_path, corpus_entry, lines, more, message):
    archive(tmp_path, lines, **more)
    with pytest.raises(InputError, match=message):
        prepare(corpus_entry("tatoeba", (NAME,), source="ro"), tmp_path, tmp_path / "out")


@needs("tatoeba-anki/ron-eng.zip", "0.6 MB")
def test_the_real_archive(tmp_path):
    corpus = load_manifest(MANIFEST).corpora["tatoeba.ro-en"]
    [download] = corpus.downloads
    fetch(download, tmp_path, mirror=str(BESIDE), progress=False)
    prepare(corpus, tmp_path, tmp_path / "out")
    lines = read_json(tmp_path / "out/corpus.json")["lines"]
    assert sum(lines.values()) == 14_237 and lines == {"train": 12_760, "valid": 470, "test": 1_007}
    english = {split: set(read_lines(tmp_path / f"out/tok/{split}.en")) for split in lines}
    assert not english["train"] & english["test"] and not english["valid"] & english["test"]
