import io
import lzma
import subprocess
import sys
from pathlib import Path

import pytest

from janus.corpora.bpe import learn, learn_and_apply, load_codes, remove_bpe
from janus.errors import InputError
from janus.files import git_blob_hash, read_lines, write_json, write_lines

TEXT = {"de": ["der alte hund", "die alten hunde", "der hund"], "en": ["the old dog", "the old dogs", "the dog"]}
IWSLT = Path(__file__).resolve().parents[3] / "shared" / "data" / "iwslt14-de-en"
# Git blob hashes of fairseq's prepared files, in two public repositories (layer6ai-labs/CMLMC, johntzwei/nmt_iwslt).
BLOBS = {"test.de": "2b6e0a26", "test.en": "5577f360", "valid.de": "bae485c4", "valid.en": "a981f719"}


@pytest.fixture
def corpus(tmp_path):
    for language, lines in TEXT.items():
        for split in ("train", "valid", "test"):
            write_lines(tmp_path / "tok" / f"{split}.{language}", lines)
    write_json(tmp_path / "corpus.json", {"source": "de", "target": "en"})
    return tmp_path


def test_codes_and_text_are_those_of_subword_nmts_commands(corpus):
    learn_and_apply(corpus, merges=12, progress=False)
    joint = "".join(line + "\n" for lines in TEXT.values() for line in lines)
    command = [sys.executable, "-c", "from subword_nmt.subword_nmt import main; main()"]
    codes = subprocess.run([*command, "learn-bpe", "-s", "12"], input=joint, capture_output=True, text=True, check=True)
    assert (corpus / "bpe" / "codes").read_text() == codes.stdout
    applied = subprocess.run(
        [*command, "apply-bpe", "-c", corpus / "bpe" / "codes"], input=joint, capture_output=True, text=True, check=True
    )
    ours = [line for language in TEXT for line in read_lines(corpus / "bpe" / f"train.{language}")]
    assert ours == applied.stdout.splitlines()


def test_the_same_text_gives_the_same_codes(corpus, tmp_path):
    files = [corpus / "tok" / "train.de", corpus / "tok" / "train.en"]
    for name in ("one", "two"):
        learn(files, tmp_path / name, 20, progress=False)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_remove_bpe_undoes_it(corpus):
    learn_and_apply(corpus, merges=3, progress=False)
    subwords = read_lines(corpus / "bpe" / "test.de")
    assert any("@@ " in line for line in subwords)
    assert [remove_bpe(line) for line in subwords] == TEXT["de"]


@pytest.mark.parametrize(("line", "words"), [("a@@ b c", "ab c"), ("a@@ b@@", "ab"), ("", ""), ("a@@b", "a@@b")])
def test_remove_bpe_at_the_edges(line, words):
    assert remove_bpe(line) == words


def test_progress_noise_of_subword_nmt_stays_inside(corpus, capsys):
    learn_and_apply(corpus, merges=5000, progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [("t h\n", ":1: first line"), ("", ":1"), ("#version: 0.2\na b\nabc\n", ":3: not two symbols")],
)
def test_a_file_that_holds_no_codes_is_refused(content, message, tmp_path):
    (tmp_path / "codes").write_text(content)
    with pytest.raises(InputError, match=f"codes{message}"):
        load_codes(tmp_path / "codes")


def test_bad_settings_and_texts_are_refused(corpus, tmp_path):
    with pytest.raises(InputError, match="0 BPE merges"):
        learn_and_apply(corpus, merges=0)
    write_lines(tmp_path / "letters", ["a b", "c"])
    with pytest.raises(InputError, match="no word of two letters"):
        learn([tmp_path / "letters"], tmp_path / "codes", 5)
    assert not (tmp_path / "codes").exists()


@pytest.mark.parametrize("name", BLOBS if IWSLT.is_dir() else [])
def test_fairseqs_iwslt_files_come_out_byte_for_byte(name, tmp_path):
    (tmp_path / "codes").write_bytes(lzma.open(IWSLT / "bpe10k" / "code.xz").read())
    encoder = load_codes(tmp_path / "codes")
    text = io.TextIOWrapper(lzma.open(IWSLT / "tok" / f"{name}.xz"), encoding="utf-8", newline="\n")
    write_lines(tmp_path / name, (encoder.process_line(line.rstrip("\n")) for line in text))
    assert (tmp_path / name).read_bytes() == lzma.open(IWSLT / "bpe10k" / f"{name}.xz").read()
    assert git_blob_hash(tmp_path / name).startswith(BLOBS[name])
