import json
from collections import Counter
from dataclasses import replace

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

from janus.decoding.vocabulary import Vocabulary as Words
from janus.dictionary import RESERVED
from janus.errors import InputError
from janus.fetching.manifest import Download, Vocabulary
from janus.files import read_json, sha256, write_json, write_lines
from janus.text.vocabulary import SubwordBpe, load_encoder, make_gpt2, make_subword

TEXT = ["the child has seen the dog .", "the children have seen the old dog ."]
TASK = ["the dog [SEP] the child has seen the dog .", "who zooms ?"]


def downloads(*names):
    return tuple(Download(name, name, (f"https://nowhere.invalid/{name}",)) for name in names)


SUBWORD = Vocabulary("demo", "subword", "free", text="demo", merges=20)
GPT2 = Vocabulary("gpt2", "gpt2", "MIT", downloads("gpt2-encoder.json", "gpt2-vocab.bpe", "gpt2-dict.txt"))


@pytest.fixture
def subword(tmp_path):
    write_lines(tmp_path / "text", TEXT)
    write_lines(tmp_path / "task", TASK)
    make_subword(SUBWORD, [tmp_path / "text"], [tmp_path / "task"], tmp_path / "v", progress=False)
    return tmp_path / "v"


@pytest.fixture
def gpt2(tmp_path):
    numbers = {symbol: i for i, symbol in enumerate(bytes_to_unicode().values())}
    (tmp_path / "gpt2-encoder.json").write_text(json.dumps(numbers))
    (tmp_path / "gpt2-vocab.bpe").write_text("#version: 0.2\n")
    (tmp_path / "gpt2-dict.txt").write_text("".join(f"{i} 0\n" for i in range(256)))
    return tmp_path


def test_subwords_of_text_and_tasks_are_all_known_to_fairseq(subword):
    dictionary = Dictionary.load(str(subword / "dict.txt"))
    encoder = load_encoder(subword)
    for line in TEXT + TASK:
        subwords = encoder.encode(line)
        assert encoder.decode(subwords) == line
        assert not any(dictionary.index(word) == dictionary.unk() for word in subwords.split())


def test_the_separator_stays_whole_and_words_do_not(subword):
    encoder = SubwordBpe(subword / "codes")
    assert "[SEP]" in encoder.encode(TASK[0]).split() and "@@ " in encoder.encode("who zooms ?")


def test_the_dictionary_counts_in_fairseqs_order(subword):
    encoder = load_encoder(subword)
    counts = Counter(word for line in TEXT + TASK for word in encoder.encode(line).split())
    listed = [line.split(" ") for line in (subword / "dict.txt").read_text().splitlines()]
    assert {word: int(count) for word, count in listed} == counts
    assert [int(count) for _, count in listed] == sorted(counts.values(), reverse=True)


def test_the_facts_tell_the_files(subword):
    facts = read_json(subword / "vocabulary.json")
    assert facts["kind"] == "subword" and facts["vocabulary"] == "demo"
    assert facts["sha256"] == {name: sha256(subword / name) for name in ("codes", "dict.txt")}


def test_gpt2_is_taken_over_and_read_again(gpt2):
    make_gpt2(GPT2, gpt2, gpt2 / "v")
    encoder = load_encoder(gpt2 / "v")
    assert encoder.decode(encoder.encode("Déjà vu")) == "Déjà vu"
    assert set(read_json(gpt2 / "v" / "vocabulary.json")["sha256"]) == {"encoder.json", "vocab.bpe", "dict.txt"}
    assert (gpt2 / "v" / "dict.txt").read_bytes() == (gpt2 / "gpt2-dict.txt").read_bytes()


def test_a_gpt2_dictionary_of_another_bpe_makes_no_vocabulary(gpt2):
    (gpt2 / "gpt2-dict.txt").write_text("0 0\n")
    with pytest.raises(InputError, match="lacks 255 subwords of this BPE"):
        make_gpt2(GPT2, gpt2, gpt2 / "v")
    assert not (gpt2 / "v" / "vocabulary.json").exists()


def test_a_vocabulary_without_its_download_is_named(gpt2):
    with pytest.raises(InputError, match=r"vocabulary gpt2: needs a download that ends in 'vocab\.bpe'"):
        make_gpt2(replace(GPT2, downloads=GPT2.downloads[:1]), gpt2, gpt2 / "v")


def test_a_folder_that_holds_no_vocabulary_is_named(tmp_path):
    with pytest.raises(InputError, match=r"vocabulary\.json: cannot be read"):
        load_encoder(tmp_path)
    write_json(tmp_path / "vocabulary.json", {"kind": "sentencepiece"})
    with pytest.raises(InputError, match="unknown kind 'sentencepiece'"):
        load_encoder(tmp_path)


# WikiText has `<unk>` by the thousand.
RESERVED_TEXT = ["the <unk> child has seen <unk> .", "a <s> tag </s> and <pad> and <mask>", "<unk> <unk>"] * 40


@pytest.fixture
def reserved(tmp_path):
    write_lines(tmp_path / "text", RESERVED_TEXT)
    write_lines(tmp_path / "task", ["who <unk> ?", "<s>"])
    vocabulary = replace(SUBWORD, merges=200)
    make_subword(vocabulary, [tmp_path / "text"], [tmp_path / "task"], tmp_path / "v", progress=False)
    return tmp_path / "v"


def test_no_word_of_a_text_becomes_a_special_symbol(reserved):
    """fairseq and our own reader of dict.txt agree on every word, and every text comes back."""
    theirs, ours, encoder = (
        Dictionary.load(str(reserved / "dict.txt")),
        Words(reserved / "dict.txt"),
        load_encoder(reserved),
    )
    assert ours.symbols == theirs.symbols and not RESERVED & set(ours.symbols[4:])
    for line in (*RESERVED_TEXT, "who <unk> ?", "<s>"):
        subwords = encoder.encode(line)
        numbers = ours.encode(subwords, bos=False)
        assert numbers == theirs.encode_line(subwords, add_if_not_exist=False).tolist()
        assert not {0, 1, 2, 3} & set(numbers[:-1])
        assert encoder.decode(ours.decode(torch.tensor(numbers))) == line


def test_workers_make_the_same_vocabulary(tmp_path):
    for number, line in enumerate(RESERVED_TEXT):
        write_lines(tmp_path / f"t{number % 3}", [line])
    for workers in (1, 2):
        texts = [tmp_path / f"t{number}" for number in range(3)]
        make_subword(SUBWORD, texts, texts[:1], tmp_path / str(workers), workers=workers, progress=False)
    for name in ("codes", "dict.txt"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
