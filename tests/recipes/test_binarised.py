"""A corpus given as fairseq's binarised data: its text comes back, and binarises to the same bytes."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.files import read_json, read_lines
from janus.recipes.binarised import recover
from janus.text.binarise import binarise
from janus.text.prepare import prepare

LINES = {
    "de": ["das k@@ lei@@ ne haus", "ein haus , k@@ lein", "das ist es", "neu@@ er haus"],
    "en": ["the lit@@ tle house", "a house , lit@@ tle", "that is it", "neu@@ er house"],
}


@pytest.fixture
def corpus(tmp_path):
    """Binarised data, of whose test set the last line has a word that the training text does not."""
    for side, lines in LINES.items():
        for split, chosen in (("train", lines[:3]), ("valid", lines[1:3]), ("test", lines)):
            path = tmp_path / f"bpe/{split}.{side}"
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in chosen))
    binarise(tmp_path / "bpe", tmp_path / "bin", source="de", target="en")
    facts = {"source": "de", "target": "en", "licence": "own", "lowercase": False}
    return Corpus(name="c.de-en", recipe="binarised", bin="bin", home=tmp_path, **facts)


def test_recovered_text_binarises_to_the_same_bytes(corpus, tmp_path):
    recover(corpus, tmp_path / "again")
    for side in ("de", "en"):
        assert read_lines(tmp_path / f"again/train.{side}") == LINES[side][:3]
    dictionary = tmp_path / "bin/dict.de.txt"
    binarise(tmp_path / "again", tmp_path / "bin2", source="de", target="en", dictionary=dictionary)
    for path in sorted((tmp_path / "bin").glob("*.*-*.*")):
        assert (tmp_path / "bin2" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_test_set_is_recovered_or_read_from_named_files(corpus, tmp_path):
    prepare(corpus, tmp_path, tmp_path / "made")
    assert read_lines(tmp_path / "made/tok/test.en")[:2] == ["the little house", "a house , little"]
    assert read_lines(tmp_path / "made/raw/test.en")[1] == "a house, little"
    # Symbols that the dictionary does not have are gone, and counted.
    assert read_json(tmp_path / "made/cleaning.json")["recovered"]["test"] == {"unknown": 4}
    for side, lines in LINES.items():
        (tmp_path / f"raw.{side}").write_text("".join(f"As it was {i}.\n" for i in range(len(lines))))
    named = replace(corpus, options={"files": "raw.{language}"})
    prepare(named, tmp_path, tmp_path / "named")
    assert read_lines(tmp_path / "named/raw/test.de")[3] == "As it was 3."
    assert read_lines(tmp_path / "named/tok/test.de") == read_lines(tmp_path / "made/tok/test.de")


def test_codes_come_with_the_subwords_where_the_corpus_names_them(corpus, tmp_path):
    (tmp_path / "codes.txt").write_text("#version: 0.2\na b\n")
    recover(replace(corpus, options={"codes": "codes.txt"}), tmp_path / "bpe2")
    assert read_lines(tmp_path / "bpe2/codes") == ["#version: 0.2", "a b"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("#version: 0.2\na\u2028 b\n".encode(), r"codes\.txt:2: a line break, U\+2028, inside the line"),
        (b"#version: 0.2\na b\n\xff c\n", r"codes\.txt:3: not UTF-8"),
        (b"a b\n", r"codes\.txt:1: first line is not '#version: 0.2'"),
        (b"#version: 0.2\na b c\n", r"codes\.txt:2: not two symbols"),
    ],
)
def test_codes_that_are_none_are_refused_with_their_own_name(corpus, tmp_path, content, said):
    (tmp_path / "codes.txt").write_bytes(content)
    with pytest.raises(InputError, match=said):
        recover(replace(corpus, options={"codes": "codes.txt"}), tmp_path / "bpe2")


def break_index(folder: Path) -> None:
    (folder / "train.de-en.de.idx").write_bytes(b"TNTIDX\x00\x00" + bytes(30))


def cut_data(folder: Path) -> None:
    path = folder / "train.de-en.de.bin"
    path.write_bytes(path.read_bytes()[:-2])


def other_dictionary(folder: Path) -> None:
    path = folder / "dict.en.txt"
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))


def short_dictionary(folder: Path) -> None:
    for path in folder.glob("dict.*.txt"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))


def sentence_pieces(folder: Path) -> None:
    for path in folder.glob("dict.*.txt"):
        path.write_text("▁the 3\n" + path.read_text())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (break_index, r"train\.de-en\.de\.idx: no index of fairseq-preprocess"),
        (cut_data, r"train\.de-en\.de\.idx: does not belong to train\.de-en\.de\.bin, or is cut off"),
        (other_dictionary, r"dict\.de\.txt: is not the dictionary of dict\.en\.txt; binarise with --joined-dictionary"),
        (short_dictionary, r"train\.de-en\.de\.bin: has the symbol \d+, the dictionary has 6"),
        (sentence_pieces, r"dict\.de\.txt: has SentencePiece's subwords"),
    ],
)
def test_data_that_cannot_be_read_ends_with_one_line(corpus, tmp_path, damage, said):
    damage(tmp_path / "bin")
    with pytest.raises(InputError, match=said) as caught:
        recover(corpus, tmp_path / "again")
    assert "\n" not in str(caught.value)


def test_the_files_that_a_plan_asks_for(corpus, tmp_path):
    assert len(corpus.own_files) == 14 and all(path.is_file() for path in corpus.own_files)
    shutil.rmtree(tmp_path / "bin")
    assert not any(path.is_file() for path in corpus.own_files)
