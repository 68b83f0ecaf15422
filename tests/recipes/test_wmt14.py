import io
import tarfile
import zipfile

import pytest

from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.text.prepare import prepare

NAMES = ("wmt14-original_dataset.zip", "wmt14-test-full.tgz")
TEXT = {
    "train": {"en": "the ho@@ use\na b\n", "de": "das ha@@ us\nc d\n"},
    "valid": {"en": "one\n", "de": "eins\n"},
    "test": {"en": "AT @-@ 1 &amp; it\n", "de": "AT @-@ 1 &amp; es\n"},
}
RAW = {"ref.en": "AT-1 &amp; it", "src.de": "AT-1 &amp; es"}


@pytest.fixture
def downloads(tmp_path):
    with zipfile.ZipFile(tmp_path / NAMES[0], "w") as archive:
        for split, sides in TEXT.items():
            for language, text in sides.items():
                archive.writestr(f"wmt14_ende/{split}.en-de.{language}", text)
    with tarfile.open(tmp_path / NAMES[1], "w:gz") as archive:
        for name, text in RAW.items():
            content = f'<doc>\n<seg id="1">{text}</seg>\n</doc>\n'.encode()
            info = tarfile.TarInfo(f"test-full/newstest2014-deen-{name}.sgm")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return tmp_path


@pytest.mark.parametrize(("source", "target"), [("de", "en"), ("en", "de")])
def test_both_directions_come_from_one_archive(corpus_entry, downloads, source, target):
    out = downloads / "out"
    prepare(corpus_entry("wmt14", NAMES, source=source, target=target, lowercase=False), downloads, out)
    assert read_lines(out / "tok" / "train.en") == ["the house", "a b"]
    assert read_lines(out / "tok" / "test.de") == ["AT @-@ 1 &amp; es"]
    assert read_lines(out / "raw" / "test.de") == ["AT-1 & es"]


def test_a_raw_test_of_another_length_is_refused(corpus_entry, downloads):
    with zipfile.ZipFile(downloads / NAMES[0], "w") as archive:
        for split, sides in TEXT.items():
            for language, text in sides.items():
                archive.writestr(f"wmt14_ende/{split}.en-de.{language}", text * 2)
    with pytest.raises(InputError, match="1 untokenised test lines for 2 tokenised ones"):
        prepare(corpus_entry("wmt14", NAMES, lowercase=False), downloads, downloads / "out")


def test_line_breaks_inside_lines_part_words_and_shift_no_pair(corpus_entry, downloads):
    text = {"de": "eins\nzwei\rund\u00a0drei\nvier\n", "en": "one\ntwo and three\nfo\u2028ur\n"}
    with zipfile.ZipFile(downloads / NAMES[0], "w") as archive:
        for split, sides in (TEXT | {"train": text}).items():
            for language, lines in sides.items():
                archive.writestr(f"wmt14_ende/{split}.en-de.{language}", lines)
    prepare(corpus_entry("wmt14", NAMES, lowercase=False), downloads, downloads / "out")
    assert (downloads / "out/tok/train.de").read_bytes() == b"eins\nzwei und drei\nvier\n"
    assert (downloads / "out/tok/train.en").read_bytes() == b"one\ntwo and three\nfo ur\n"
    assert read_json(downloads / "out/cleaning.json")["respaced lines"] == {"tok/train.de": 1, "tok/train.en": 1}
