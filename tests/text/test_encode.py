import itertools
import json
import random

import pytest
from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

from janus.errors import InputError
from janus.fetching.manifest import Vocabulary
from janus.files import read_json, read_lines, write_json, write_lines
from janus.text import parallel_lines as parallel
from janus.text.encode import Cutter, encode_corpus, encode_lines, encode_text, pack
from janus.text.vocabulary import load_encoder, make_subword

LINES = [f"the dog number {i} has seen the old cat ." for i in range(60)]


@pytest.fixture
def vocabulary(tmp_path):
    write_lines(tmp_path / "text", LINES)
    kind = Vocabulary("v", "subword", "free", text="t", merges=15)
    make_subword(kind, [tmp_path / "text"], [], tmp_path / "v", progress=False)
    return tmp_path / "v"


@pytest.fixture
def corpus(tmp_path):
    for split, side in itertools.product(("train", "valid", "test"), ("src", "tgt")):
        write_lines(tmp_path / "c" / "tok" / f"{split}.{side}", ["the dog", "the old cat has seen the dog ."])
    facts = {"corpus": "c", "source": "src", "target": "tgt", "options": {"longest_source": 6, "longest_target": 5}}
    write_json(tmp_path / "c" / "corpus.json", facts)
    return tmp_path / "c"


def test_cuts_are_made_and_counted_but_for_test_references(corpus, vocabulary):
    encode_corpus(corpus, vocabulary, progress=False)
    whole = [load_encoder(vocabulary).encode(line) for line in read_lines(corpus / "tok" / "test.tgt")]
    assert read_lines(corpus / "bpe" / "test.tgt") == whole
    assert read_lines(corpus / "bpe" / "train.tgt") == [" ".join(line.split()[:5]) for line in whole]
    assert read_lines(corpus / "bpe" / "test.src") == [" ".join(line.split()[:6]) for line in whole]
    files = read_json(corpus / "bpe" / "truncation.json")["files"]
    lengths = [len(line.split()) for line in whole]
    assert files["train.tgt"] == {
        "limit": 5,
        "lines": 2,
        "cut": sum(length > 5 for length in lengths),
        "subwords_lost": sum(max(0, length - 5) for length in lengths),
        "longest": max(lengths),
    }
    assert files["train.tgt"]["cut"] and files["test.tgt"] == {
        "limit": None,
        "lines": 2,
        "cut": 0,
        "subwords_lost": 0,
        "longest": max(lengths),
    }


def test_a_cutter_never_lengthens_nor_reorders():
    rng = random.Random(1)
    lines = [" ".join(map(str, range(rng.randrange(1, 20)))) for _ in range(200)]
    cut = Cutter(7)
    for line, short in zip(lines, cut(lines), strict=True):
        assert line.split()[:7] == short.split()
    assert cut.report()["subwords_lost"] == sum(max(0, len(line.split()) - 7) for line in lines)


def test_an_unprepared_corpus_is_named(tmp_path, vocabulary):
    with pytest.raises(InputError, match=r"corpus\.json"):
        encode_corpus(tmp_path, vocabulary, progress=False)


def test_workers_change_nothing(vocabulary, monkeypatch):
    monkeypatch.setattr(parallel, "_CHUNK", 7)
    assert list(encode_lines(LINES, vocabulary, workers=2)) == list(encode_lines(LINES, vocabulary))


@pytest.mark.parametrize("block", [1, 5, 12, 1000])
def test_packing_loses_nothing_and_exceeds_nothing(block):
    rng = random.Random(block)
    paragraphs = [" ".join(str(rng.random()) for _ in range(rng.randrange(0, 20))) for _ in range(100)]
    blocks = [line.split() for line in pack(paragraphs, block)]
    assert [word for line in blocks for word in line] == " ".join(paragraphs).split()
    assert all(1 <= len(line) <= block for line in blocks)


def test_packing_keeps_paragraphs_whole_where_they_fit():
    assert list(pack(["a b", "c d", "e", "f g h"], 5)) == ["a b c d e", "f g h"]
    assert list(pack(["a b", "c d e f g h i", "j"], 5)) == ["a b", "c d e f g", "h i j"]


def test_no_block_has_room_for_the_paragraph_after_it():
    rng = random.Random(3)
    paragraphs = [" ".join("x" * rng.randrange(1, 9)) for _ in range(200)]
    lengths = [len(line.split()) for line in pack(paragraphs, 20)]
    assert all(first + second > 20 - 8 for first, second in itertools.pairwise(lengths))


def test_text_becomes_blocks_with_their_count(tmp_path, vocabulary):
    write_lines(tmp_path / "train-000.txt", [*LINES[:2], ""])
    write_lines(tmp_path / "more.txt", [LINES[2], "", *LINES[3:5], ""])
    encode_text(
        [tmp_path / "train-000.txt", tmp_path / "more.txt"],
        tmp_path / "out" / "train-000",
        vocabulary,
        block=24,
        progress=False,
    )
    blocks = read_lines(tmp_path / "out" / "train-000")
    encoder = load_encoder(vocabulary)
    assert " ".join(map(encoder.decode, blocks)) == " ".join(LINES[:5])
    facts = read_json(tmp_path / "out" / "train-000.json")
    assert (facts["blocks"], facts["subwords"]) == (len(blocks), sum(len(line.split()) for line in blocks))


def test_a_text_without_text_is_refused(tmp_path, vocabulary):
    write_lines(tmp_path / "t", ["", ""])
    with pytest.raises(InputError, match="no text"):
        encode_text([tmp_path / "t"], tmp_path / "b", vocabulary, block=8, progress=False)


def test_gpt2_blocks_decode_to_the_running_text(tmp_path):
    """The space before a paragraph makes its subwords those of the middle of a line."""
    symbols = [*bytes_to_unicode().values(), "Ġd", "Ġdo", "Ġdog"]
    folder = tmp_path / "v"
    folder.mkdir()
    (folder / "encoder.json").write_text(json.dumps({symbol: i for i, symbol in enumerate(symbols)}))
    (folder / "vocab.bpe").write_text("#version: 0.2\nĠ d\nĠd o\nĠdo g\n")
    write_json(folder / "vocabulary.json", {"vocabulary": "g", "kind": "gpt2", "sha256": {}})
    write_lines(tmp_path / "t", ["dog eat", "dog.", "", "It's a dog"])
    encode_text([tmp_path / "t"], tmp_path / "b", folder, block=500, progress=False)
    encoder = load_encoder(folder)
    (block,) = read_lines(tmp_path / "b")
    assert block == encoder.encode(" dog eat dog. It's a dog") and block.split().count("258") == 3
