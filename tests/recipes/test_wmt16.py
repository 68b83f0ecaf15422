import io
import lzma
import tarfile
import zipfile

import pytest
from real_data import PIECES

from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.recipes.wmt16 import spell
from janus.text.prepare import prepare

NAMES = ("wmt16-training-parallel-ep-v8.tgz", "wmt16-setimes2-en-ro.txt.zip", "wmt16-dev.tgz", "wmt16-test.tgz")
RO, EN = "Şeful ţării, în an-an.", "The country's head, in a well-known year."


def pack(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture
def downloads(tmp_path):
    europarl = {"ro": f"{RO}\n\n", "en": f"{EN}\nempty\n"}
    pack(tmp_path / NAMES[0], {f"training-parallel-ep-v8/europarl-v8.ro-en.{k}": text for k, text in europarl.items()})
    with zipfile.ZipFile(tmp_path / NAMES[1], "w") as archive:
        for language in ("ro", "en"):
            archive.writestr(f"SETIMES.en-ro.{language}", f"{language} x " * 20 + "\n" + "long " * 81 + "\n")
    for name, stem in ((NAMES[2], "dev/newsdev2016"), (NAMES[3], "test/newstest2016")):
        files = {}
        for source, target in (("ro", "en"), ("en", "ro")):
            for side, language in (("src", source), ("ref", target)):
                line = RO if language == "ro" else EN
                files[f"{stem}-{source}{target}-{side}.{language}.sgm"] = f'<seg id="1">{line}</seg>\n'
        pack(tmp_path / name, files)
    return tmp_path


@pytest.mark.parametrize(("source", "target"), [("ro", "en"), ("en", "ro")])
@pytest.mark.parametrize(
    ("policy", "tokens", "raw"),
    [
        ("remove", "Seful tarii , in an @-@ an .", "Seful tarii, in an-an."),
        ("keep", "Șeful țării , în an @-@ an .", "Șeful țării, în an-an."),
    ],
)
def test_the_diacritics_policy_holds_everywhere(corpus_entry, downloads, source, target, policy, tokens, raw):
    corpus = corpus_entry("wmt16", NAMES, source=source, target=target, lowercase=False, options={"diacritics": policy})
    out = downloads / "out"
    prepare(corpus, downloads, out)
    assert read_lines(out / "tok" / "train.ro")[0] == tokens
    assert read_lines(out / "tok" / "test.ro") == read_lines(out / "tok" / "valid.ro") == [tokens]
    assert read_lines(out / "raw" / "test.ro") == [raw]
    assert read_lines(out / "raw" / "test.en") == [EN]
    assert read_lines(out / "tok" / "test.en") == ["The country &apos;s head , in a well @-@ known year ."]
    assert read_json(out / "cleaning.json")["train"]["removed"] == {"empty": 1, "too long": 1}


def test_other_languages_keep_their_letters():
    assert spell("Îț âă", "en", "remove") == "Îț âă"
    with pytest.raises(InputError, match="'strip'.*use remove or keep"):
        spell("a", "ro", "strip")


def test_no_romanian_letter_survives_removal():
    """In sentences of many hands, who write ș and ț with a comma or a cedilla."""
    lines = lzma.open(PIECES / "tatoeba-anki/ron.txt.xz", "rt", encoding="utf-8").read().splitlines()
    text = "\n".join(line.split("\t")[1] for line in lines)
    assert len(lines) == 600 and all(letter in text for letter in "ăâîșțşţ")
    assert not any(letter in spell(text, "ro", "remove") for letter in "ĂăÂâÎîȘșȚțŞşŢţ")
