"""What is binarised is what fairseq-preprocess makes of the same text; what it would shift or lose is refused."""

import random
import shutil
from pathlib import Path

import pytest
from fairseq import options
from fairseq.data import data_utils
from fairseq_cli import preprocess as fairseq_preprocess

from janus.decoding.vocabulary import Vocabulary
from janus.errors import InputError
from janus.files import read_json, read_lines, write_lines
from janus.text.binarise import binarise, binarise_text

METRICS = Path(__file__).resolve().parents[1] / "metrics"
LINES = [line.lower() for line in read_lines(METRICS / "tatoeba/tok.de")[:300]]
SIDES = ("de", "en")


def preprocess(*words: object) -> None:
    """fairseq-preprocess, in this process: torch takes seconds to load."""
    fairseq_preprocess.main(options.get_preprocessing_parser().parse_args(list(map(str, words))))
    fairseq_preprocess.logger.handlers.clear()


def preprocess_pairs(bpe: Path, out: Path, *more: object) -> None:
    splits = [word for split in ("train", "valid", "test") for word in (f"--{split}pref", bpe / split)]
    preprocess("--source-lang", "de", "--target-lang", "en", "--joined-dictionary", *splits, "--destdir", out, *more)


@pytest.fixture
def bpe(tmp_path):
    rng = random.Random(1)
    for split, count in (("train", 250), ("valid", 30), ("test", 20)):
        for side in SIDES:
            lines = [" ".join(line.split()) for line in rng.choices(LINES, k=count)]
            write_lines(tmp_path / "bpe" / f"{split}.{side}", [*lines, "madeupword0001 #fairseq:overwrite ab@@ c"])
    return tmp_path / "bpe"


def same_files(ours: Path, theirs: Path) -> set[str]:
    names = {path.name for path in theirs.iterdir()} - {"preprocess.log"}
    assert {path.name for path in ours.iterdir()} == names | {"sentences.json"}
    return {name for name in names if (ours / name).read_bytes() == (theirs / name).read_bytes()}


@pytest.mark.parametrize("workers", [1, 3])
def test_files_are_those_of_fairseq_preprocess(bpe, tmp_path, workers):
    counts = binarise(bpe, tmp_path / "ours", source="de", target="en", workers=workers)
    preprocess_pairs(bpe, tmp_path / "theirs", "--workers", workers)
    assert len(same_files(tmp_path / "ours", tmp_path / "theirs")) == 14
    assert counts["train.de"]["sentences"] == 251 and counts["train.de"]["unknown"] == 0
    assert read_json(tmp_path / "ours/sentences.json") == counts


def test_files_under_a_given_dictionary_are_those_of_fairseq_preprocess(bpe, tmp_path):
    binarise(bpe, tmp_path / "first", source="de", target="en")
    (tmp_path / "dict.txt").write_text("".join((tmp_path / "first/dict.de.txt").open().readlines()[5:]))
    counts = binarise(bpe, tmp_path / "ours", source="de", target="en", dictionary=tmp_path / "dict.txt")
    preprocess_pairs(bpe, tmp_path / "theirs", "--srcdict", tmp_path / "dict.txt")
    assert len(same_files(tmp_path / "ours", tmp_path / "theirs")) == 14
    assert counts["train.de"]["unknown"] > 0


def test_running_text_is_that_of_fairseq_preprocess(bpe, tmp_path):
    binarise(bpe, tmp_path / "first", source="de", target="en")
    texts, dictionary = (bpe / "train.de", bpe / "valid.de"), tmp_path / "first/dict.de.txt"
    binarise_text(*texts, tmp_path / "ours", dictionary=dictionary, workers=2)
    words = ("--only-source", "--trainpref", texts[0], "--validpref", texts[1], "--srcdict", dictionary)
    preprocess(*words, "--destdir", tmp_path / "theirs")
    assert len(same_files(tmp_path / "ours", tmp_path / "theirs")) == 5


def pairs(folder: Path) -> list[tuple[str, ...]]:
    """The binarised training pairs, as fairseq reads them."""
    words = Vocabulary(folder / "dict.de.txt")
    sides = [data_utils.load_indexed_dataset(str(folder / f"train.de-en.{side}"), None) for side in SIDES]
    return [tuple(words.decode(side[i]) for side in sides) for i in range(len(sides[0]))]


def ten_pairs(folder: Path, change: str) -> Path:
    """Ten pairs of two words; in the third German and the eighth English line `change` stands for the space."""
    for side, number in zip(SIDES, (3, 8)):
        lines = [f"{side[0]}{i}a{change if i == number else ' '}{side[0]}{i}b\n" for i in range(1, 11)]
        for split in ("train", "valid", "test"):
            path = folder / f"{split}.{side}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes("".join(lines).encode())
    return folder


BREAKS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("character", BREAKS)
def test_a_line_break_inside_a_line_is_refused_with_its_line(character, tmp_path):
    bpe = ten_pairs(tmp_path / "bpe", character)
    with pytest.raises(InputError, match=rf"train\.de:3: a line break, U\+{ord(character):04X}, inside the line"):
        binarise(bpe, tmp_path / "bin", source="de", target="en")


def test_fairseq_itself_shifts_such_pairs(tmp_path):
    """Why they are refused: a carriage return on both sides leaves eleven sentences a side that do not belong."""
    preprocess_pairs(ten_pairs(tmp_path / "bpe", "\r"), tmp_path / "bin")
    shifted = pairs(tmp_path / "bin")
    assert len(shifted) == 11 and shifted[2:5] == [("d3a", "e3a e3b"), ("d3b", "e4a e4b"), ("d4a d4b", "e5a e5b")]


@pytest.mark.parametrize("character", [" ", "\t", "\x1f", "\u00a0", "\u3000", "\u2009"])
def test_other_white_space_parts_tokens_as_in_fairseq(character, tmp_path):
    bpe = ten_pairs(tmp_path / "bpe", character)
    binarise(bpe, tmp_path / "ours", source="de", target="en", workers=2)
    preprocess_pairs(bpe, tmp_path / "theirs")
    assert pairs(tmp_path / "ours") == [(f"d{i}a d{i}b", f"e{i}a e{i}b") for i in range(1, 11)]
    assert len(same_files(tmp_path / "ours", tmp_path / "theirs")) == 14


def test_windows_line_ends_and_a_byte_order_mark_are_no_text(tmp_path):
    bpe = ten_pairs(tmp_path / "bpe", " ")
    for path in bpe.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n").rstrip())
    (bpe / "train.en").write_bytes(b"\xef\xbb\xbf" + (bpe / "train.en").read_bytes())
    binarise(bpe, tmp_path / "bin", source="de", target="en")
    assert pairs(tmp_path / "bin") == [(f"d{i}a d{i}b", f"e{i}a e{i}b") for i in range(1, 11)]


@pytest.mark.parametrize("split", ["train", "valid", "test"])
@pytest.mark.parametrize(("short", "long"), [SIDES, SIDES[::-1]])
def test_a_short_side_is_refused_where_it_ends(bpe, tmp_path, split, short, long):
    lines = read_lines(bpe / f"{split}.{short}")
    write_lines(bpe / f"{split}.{short}", lines[:-2])
    message = rf"{split}\.{short}:{len(lines) - 1}: the file ends here, .*{split}\.{long} has {len(lines):,} lines"
    with pytest.raises(InputError, match=message):
        binarise(bpe, tmp_path / "bin", source="de", target="en", workers=2)


@pytest.mark.parametrize("name", ["<s>", "<pad>", "</s>", "<unk>"])
def test_a_special_symbol_in_the_text_is_an_unknown_word(bpe, tmp_path, name):
    write_lines(bpe / "train.de", [f"a {name} b", *read_lines(bpe / "train.de")[1:]])
    binarise(bpe, tmp_path / "bin", source="de", target="en")
    words = Vocabulary(tmp_path / "bin/dict.de.txt")
    assert name not in words.symbols[4:]
    data = data_utils.load_indexed_dataset(str(tmp_path / "bin/train.de-en.de"), None)
    assert (
        data[0].tolist()
        == words.encode(f"a {name} b", bos=False)
        == [*words.encode("a", bos=False)[:1], 3, *words.encode("b", bos=False)]
    )


@pytest.mark.parametrize("ending", ["idx", "bin"])
def test_a_file_that_lost_its_end_is_found(bpe, tmp_path, monkeypatch, ending):
    from janus.text import binarise as module

    compare = module._require_lengths

    def cut_first(task, lengths, size):
        path = Path(f"{task.prefix}.{ending}")
        if ending == "bin":
            path.write_bytes(path.read_bytes()[:-2])
        else:
            shutil.copy(tmp_path / "other/valid.de-en.de.idx", path)
        compare(task, lengths, size)

    binarise(bpe, tmp_path / "other", source="de", target="en")
    monkeypatch.setattr(module, "_require_lengths", cut_first)
    with pytest.raises(InputError, match=r"train\.de-en\.de\.idx: holds .*binarise .*train\.de again"):
        binarise(bpe, tmp_path / "bin", source="de", target="en")


def test_a_full_disk_is_one_line(bpe, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/valid.de-en.en.bin").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"valid\.de-en\.en\.bin: cannot be written \(No space left"):
        binarise(bpe, tmp_path / "bin", source="de", target="en")


def test_a_missing_side_is_named(bpe, tmp_path):
    (bpe / "valid.en").unlink()
    with pytest.raises(InputError, match=r"valid\.en: no such file"):
        binarise(bpe, tmp_path / "bin", source="de", target="en")
