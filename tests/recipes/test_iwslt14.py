"""A small archive in the shape of the real one, and what each step of prepare-iwslt14.sh does with its lines."""

import io
import tarfile

import pytest

from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.recipes.iwslt14 import segments, training_text
from janus.text.prepare import prepare

ARCHIVE = "iwslt14-de-en.tgz"
TESTS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")


def members():
    head = ["<url>http://ted.example</url>", "<keywords>talks, <b></keywords>", "<talkid>1</talkid>"]
    german = [*head, "<title>Der Titel</title>", "<description>TED: Das war's.</description>"]
    english = [*head, "<title>The title</title>", "<description>TED: That's it.</description>"]
    german += [f" Satz Nummer {i}. " for i in range(44)] + ["", "eins zwei", "x " * 176]
    english += [f" Sentence number {i}. " for i in range(44)] + ["empty", "one two three four", "x " * 176]
    files = {"train.tags.de-en.de": german, "train.tags.de-en.en": english}
    for name in TESTS:
        for language, word in (("de", "Größe"), ("en", "Size")):
            lines = ["<doc>", f'<seg id="1"> {word} {name}, it’s 3. </seg>', "</doc>", f'<seg id="12">{word}</seg>']
            files[f"IWSLT14.{name}.de-en.{language}.xml"] = lines
    return files


def pack(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, lines in files.items():
            content = "".join(line + "\n" for line in lines).encode()
            info = tarfile.TarInfo(f"de-en/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


@pytest.fixture
def corpus(corpus_entry):
    return corpus_entry("iwslt14", (ARCHIVE,))


def test_every_23rd_clean_pair_is_valid_and_the_rest_train(corpus, tmp_path):
    pack(tmp_path / ARCHIVE, members())
    prepare(corpus, tmp_path, tmp_path / "out")
    train, valid = (read_lines(tmp_path / "out" / "tok" / f"{split}.de") for split in ("train", "valid"))
    assert valid == ["satz nummer 20 .", "satz nummer 43 ."]
    assert len(train) == 44 and train[:3] == ["der titel", "ted : das war &apos; s .", "satz nummer 0 ."]
    assert read_lines(tmp_path / "out" / "tok" / "train.en")[1] == "ted : that &apos;s it ."
    cleaning = read_json(tmp_path / "out" / "cleaning.json")["train"]
    assert cleaning["removed"] == {"empty": 1, "length ratio": 1, "too long": 1} and cleaning["kept"] == 46


def test_test_sets_follow_in_the_recipes_order(corpus, tmp_path):
    pack(tmp_path / ARCHIVE, members())
    prepare(corpus, tmp_path, tmp_path / "out")
    lines = read_lines(tmp_path / "out" / "tok" / "test.en")
    assert lines[::2] == [f"size {name.lower()} , it &apos;s 3 ." for name in TESTS]
    assert read_lines(tmp_path / "out" / "raw" / "test.de")[2] == "größe tedx.dev2012, it's 3."


def test_training_text_keeps_titles_without_their_tags():
    assert list(training_text(["<url>x", "a<title>b</title>", "x <talkid>1", "<description>c", "<speaker>d"])) == [
        "ab",
        "c",
        "<speaker>d",
    ]


def test_segments_lose_mark_up_and_typographic_apostrophes():
    assert list(segments(['<seg id="3">   a’b   </seg> ', "<p>", '  <seg id="4">c</seg>'])) == ["a'b", "  c"]


def test_a_missing_test_set_is_named(corpus, tmp_path):
    files = members()
    del files["IWSLT14.TED.tst2011.de-en.en.xml"]
    pack(tmp_path / ARCHIVE, files)
    with pytest.raises(InputError, match=r"iwslt14-de-en\.tgz: lacks de-en/IWSLT14\.TED\.tst2011\.de-en\.en\.xml"):
        prepare(corpus, tmp_path, tmp_path / "out")


@pytest.mark.parametrize("name", ["train.tags.de-en.en", "IWSLT14.TED.tst2010.de-en.de.xml"])
def test_unequal_files_stop_with_the_line(corpus, name, tmp_path):
    files = members()
    files[name] = files[name][:-1]
    pack(tmp_path / ARCHIVE, files)
    with pytest.raises(InputError, match=r":\d+: the file ends here"):
        prepare(corpus, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / "corpus.json").exists() and not list((tmp_path / "out").rglob("train.*"))
