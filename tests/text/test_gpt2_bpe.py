"""fairseq's encoder is the oracle, on a BPE made here and on GPT-2's own files where they lie by the checkout."""

import hashlib
import json
import lzma
import random
from pathlib import Path

import pytest
from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode, get_encoder
from real_data import BESIDE, PIECES, needs

from janus.dictionary import read_dictionary
from janus.errors import InputError
from janus.fetching.opening import read_lines, read_text
from janus.text import gpt2_bpe
from janus.text.gpt2_bpe import Gpt2Bpe

# As tiktoken, OpenAI's own package, pins them.
DIGESTS = {
    "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
}
MERGES = ["t h", "th e", "Ġ the", "Ġ d", "Ġd o", "Ġdo g", "i n", "in g", "' s"]
LINES = [
    "the dog's in the thing",
    "  the   dog ",
    "déjà vu, 東京 🙂!",
    "tab\tand\u00a0space",
    "I'll don't WE'VE 12,345.67",
    "\u2028 odd \x00 bytes",
    "",
]


@pytest.fixture
def files(tmp_path):
    """A byte-level BPE of nine merges, and the dictionary that fits it."""
    symbols = [*bytes_to_unicode().values(), *(merge.replace(" ", "") for merge in MERGES), "<|endoftext|>"]
    (tmp_path / "encoder.json").write_text(json.dumps({symbol: i for i, symbol in enumerate(symbols)}))
    (tmp_path / "vocab.bpe").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    entries = [*range(len(symbols)), "madeupword0000"]
    (tmp_path / "dict.txt").write_text("".join(f"{entry} 0\n" for entry in entries))
    return tmp_path


def load(folder):
    return Gpt2Bpe(folder / "encoder.json", folder / "vocab.bpe")


@pytest.mark.parametrize("line", LINES)
def test_subwords_are_fairseqs_and_lead_back(files, line):
    ours, theirs = load(files), get_encoder(files / "encoder.json", files / "vocab.bpe")
    assert ours.encode(line) == " ".join(map(str, theirs.encode(line)))
    assert ours.decode(ours.encode(line)) == line


def test_merges_are_applied(files):
    numbers = json.loads((files / "encoder.json").read_text())
    assert load(files).encode("the dog") == f"{numbers['the']} {numbers['Ġdog']}"


def test_what_is_no_subword_is_left_out_of_the_text(files):
    bpe = load(files)
    assert bpe.decode(f"<s> {bpe.encode('the dog')} <mask> madeupword0000 <unk> </s>") == "the dog"


def test_the_cache_is_bounded(files, monkeypatch):
    monkeypatch.setattr(gpt2_bpe, "_CACHED_WORDS", 3)
    bpe, free = load(files), get_encoder(files / "encoder.json", files / "vocab.bpe")
    words = [f"word{i}x the dogs{i}" for i in range(20)]
    assert [bpe.encode(word) for word in words] == [" ".join(map(str, free.encode(word))) for word in words]
    assert len(bpe._bpe.cache) <= 3 < len(free.cache)


def test_a_dictionary_that_fits_passes(files):
    load(files).require_dictionary(files / "dict.txt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("\n7 0\n", "\n"), "lacks 1 subwords of this BPE"),
        (lambda text: text + "the 5\n", "holds 'the', which is no subword"),
        (lambda text: text + "99999 5\n", "holds '99999', which is no subword"),
        (lambda text: text + "7 5\n", r"dict\.txt:268: '7' is there already"),
        (lambda text: "0\n" + text, r"dict\.txt:1: '0' is not a symbol and a count"),
        (lambda text: "", "lacks 266 subwords"),
    ],
)
def test_a_dictionary_of_another_bpe_is_refused(files, change, message):
    path = files / "dict.txt"
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=message):
        load(files).require_dictionary(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("encoder.json", "{", r"encoder\.json: not JSON"),
        ("encoder.json", "[1]", "does not number its subwords"),
        ("encoder.json", '{"a": 0, "b": 2}', "does not number its subwords"),
        ("encoder.json", '{"a": 0, "b": 1}', "lacks 254 of the 256 bytes"),
        ("vocab.bpe", "t h\n", r"vocab\.bpe:1: first line has no '#version'"),
        ("vocab.bpe", "", r"vocab\.bpe:1"),
        ("vocab.bpe", "#version: 0.2\nt h\nthe\n", r"vocab\.bpe:3: not two symbols"),
        ("vocab.bpe", "#version: 0.2\nt h\nq q\n", r"vocab\.bpe:3: merges 'qq', which encoder\.json does not number"),
    ],
)
def test_files_that_are_no_bpe_are_refused(files, name, content, message):
    (files / name).write_text(content)
    with pytest.raises(InputError, match=message):
        load(files)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """GPT-2's own files: ours from compressed ones, fairseq's from plain copies.

    encoder.json follows from the merges: the bytes, what each merge makes, the end of a text, in that order.
    """
    packed, plain = (tmp_path_factory.mktemp(name) for name in ("packed", "plain"))
    merges = lzma.open(PIECES / "gpt2-bpe/vocab.bpe.xz", "rt", encoding="utf-8").read()
    made = [merge.replace(" ", "") for merge in merges.splitlines()[1:]]
    symbols = [*bytes_to_unicode().values(), *made, "<|endoftext|>"]
    files = {"encoder.json": json.dumps({symbol: i for i, symbol in enumerate(symbols)}), "vocab.bpe": merges}
    for name, text in files.items():
        assert hashlib.sha256(text.encode()).hexdigest() == DIGESTS[name]
        (plain / name).write_text(text, encoding="utf-8")
        (packed / f"{name}.xz").write_bytes(lzma.compress(text.encode(), preset=0))
    ours = Gpt2Bpe(packed / "encoder.json.xz", packed / "vocab.bpe.xz")
    return ours, get_encoder(plain / "encoder.json", plain / "vocab.bpe")


@pytest.mark.slow
def test_real_text_is_encoded_as_by_fairseq(real):
    ours, theirs = real
    folder = Path(__file__).parents[1] / "metrics"
    names = ("chitchat/references.txt", "fairytale/sources.txt", "tatoeba/raw.de", "xsum/references.txt")
    lines = [line for name in names for line in read_lines(folder / name)] + LINES
    romanian = read_lines(PIECES / "tatoeba-anki/ron.txt.xz")
    lines += [text for line in list(romanian)[:200] for text in line.split("\t")]
    rng = random.Random(1)
    lines += ["".join(chr(rng.choice((rng.randrange(32, 0x2000), 32))) for _ in range(40)) for _ in range(100)]
    for line in lines:
        found = ours.encode(line)
        assert found == " ".join(map(str, theirs.encode(line)))
        assert ours.decode(found) == line


def test_known_numbers_of_gpt_2(real):
    ours, _ = real
    assert ours.encode("Hello world") == "15496 995"
    assert ours.encode(" the quick brown fox") == "262 2068 7586 21831"


@needs("gpt2-bpe/dict.txt.xz", "180 kB of counts")
def test_the_real_dictionary_fits(real, tmp_path):
    ours, _ = real
    path = tmp_path / "dict.txt"
    path.write_text(read_text(BESIDE / "gpt2-bpe/dict.txt.xz"))
    ours.require_dictionary(path)
    assert len(read_dictionary(path)) == 50260 and len(ours.numbers) == 50257
    assert path.read_text().startswith("13 850314647\n")
