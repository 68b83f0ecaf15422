import io
import itertools
import lzma
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from real_data import BESIDE, needs

from janus.dictionary import RESERVED
from janus.errors import InputError
from janus.files import git_blob_hash, read_lines, write_json, write_lines
from janus.text.bpe import Segmenter, count_words, learn, learn_and_apply, load_codes
from janus.text.subwords import remove_bpe

TEXT = {"de": ["der alte hund", "die alten hunde", "der hund"], "en": ["the old dog", "the old dogs", "the dog"]}
IWSLT = BESIDE / "iwslt14-de-en"
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
    assert (corpus / "bpe" / "codes").read_text() == subword_nmt("learn-bpe", "-s", 12, text=joint)
    ours = [line for language in TEXT for line in read_lines(corpus / "bpe" / f"train.{language}")]
    assert ours == subword_nmt("apply-bpe", "-c", corpus / "bpe" / "codes", text=joint).splitlines()


# Words with ties, words of one letter, words that outgrow a cache; a thousand lines are enough for all.
REAL = Path(__file__).resolve().parents[1] / "metrics"
REAL_TEXT = [REAL / "tatoeba/raw.de", REAL / "chitchat/references.txt", REAL / "fairytale/sources.txt"]


def subword_nmt(*words: object, text: str) -> str:
    command = [sys.executable, "-X", "utf8", "-c", "from subword_nmt.subword_nmt import main; main()"]
    return subprocess.run(
        [*command, *map(str, words)], input=text, capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_real_text_gives_the_codes_and_subwords_of_subword_nmt(workers, tmp_path, monkeypatch):
    monkeypatch.setattr("janus.text.bpe._CACHED_WORDS", 50)
    monkeypatch.setattr("janus.text.parallel_lines._CHUNK", 70)
    lines = [" ".join(line.split()) for path in REAL_TEXT for line in read_lines(path)[:400]]
    sides = {"de": lines[::2], "en": lines[1::2]}
    for split, (language, text) in itertools.product(("train", "valid", "test"), sides.items()):
        write_lines(tmp_path / "tok" / f"{split}.{language}", text)
    write_json(tmp_path / "corpus.json", {"source": "de", "target": "en"})
    learn_and_apply(tmp_path, merges=800, workers=workers, progress=False)
    joint = {language: "".join(f"{line}\n" for line in text) for language, text in sides.items()}
    assert (tmp_path / "bpe/codes").read_text() == subword_nmt("learn-bpe", "-s", 800, text="".join(joint.values()))
    for language, text in joint.items():
        expected = subword_nmt("apply-bpe", "-c", tmp_path / "bpe/codes", text=text)
        assert (tmp_path / f"bpe/train.{language}").read_text() == expected


def test_words_are_counted_without_the_text_in_memory(tmp_path):
    words = [f"w{i}" for i in range(50)]

    def peak(lines: int) -> int:
        write_lines(tmp_path / str(lines), (" ".join(words) for _ in range(lines)))
        tracemalloc.start()
        assert set(count_words([tmp_path / str(lines)]).values()) == {lines}
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(5_000) < 1.2 * peak(500)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_word_named_like_a_special_symbol_comes_in_pieces(name, tmp_path):
    """Even where it is common enough to be learnt whole, alone and at the end of another word."""
    words = Counter({name: 1000, "the": 900, f"the{name}": 800, f"{name}s": 5})
    learn(words, tmp_path / "codes", 60, where="here", progress=False)
    assert load_codes(tmp_path / "codes").process_line(f"the {name} the{name}").endswith(name)
    encoder = Segmenter(tmp_path / "codes")
    for line in (f"the {name} the", f"the{name}", f"{name}s", f"x{name}"):
        subwords = encoder.encode(line)
        assert not RESERVED & set(subwords.split()) and remove_bpe(subwords) == line
    assert encoder.encode(name) == f"<@@ {name[1:]}"


def test_the_same_text_gives_the_same_codes(corpus, tmp_path):
    files = [corpus / "tok" / "train.de", corpus / "tok" / "train.en"]
    for name in ("one", "two"):
        learn(count_words(files), tmp_path / name, 20, where="here", progress=False)
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
    [
        ("t h\n", ":1: first line"),
        ("", ":1"),
        ("#version: 0.2\na b\nabc\n", ":3: not two symbols"),
        ("#version: 0.2", ": no merges"),
    ],
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
        learn(count_words([tmp_path / "letters"]), tmp_path / "codes", 5, where="letters")
    assert not (tmp_path / "codes").exists()


@needs("iwslt14-de-en", "the licence of TED's talks allows no piece of them")
@pytest.mark.parametrize("name", BLOBS)
def test_fairseqs_iwslt_files_come_out_byte_for_byte(name, tmp_path):
    (tmp_path / "codes").write_bytes(lzma.open(IWSLT / "bpe10k" / "code.xz").read())
    encoder = Segmenter(tmp_path / "codes")
    text = io.TextIOWrapper(lzma.open(IWSLT / "tok" / f"{name}.xz"), encoding="utf-8", newline="\n")
    write_lines(tmp_path / name, (encoder.encode(line.rstrip("\n")) for line in text))
    assert (tmp_path / name).read_bytes() == lzma.open(IWSLT / "bpe10k" / f"{name}.xz").read()
    assert git_blob_hash(tmp_path / name).startswith(BLOBS[name])
