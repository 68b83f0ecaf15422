import os

import pytest

from janus.errors import InputError
from janus.text.split_writer import SplitWriter


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_appear_together_at_the_end(tmp_path):
    with SplitWriter(tmp_path, "de", "en") as out:
        out.tokenised("train", [("a", "b"), ("ü", "d")])
        out.raw_test([("A.", "B.")])
        assert not [name for name in names(tmp_path) if not name.rsplit("/", 1)[-1].startswith(".")]
    assert names(tmp_path) == sorted(
        [f"tok/{split}.{language}" for split in ("train", "valid", "test") for language in ("de", "en")]
        + ["raw/test.de", "raw/test.en"]
    )
    assert (tmp_path / "tok/train.de").read_bytes() == "a\nü\n".encode()
    assert out.lines == {"tok/train": 2, "raw/test": 1}


def test_tokens_stand_between_single_spaces_and_lines_are_lines(tmp_path):
    """What fairseq, subword-nmt and the scorers each take for white space or line ends parts tokens, and no more."""
    spaces = [chr(code) for code in range(0x110000) if chr(code).isspace()]
    with SplitWriter(tmp_path, "de", "en") as out:
        out.tokenised("train", [(f"a{space}b", "c d") for space in spaces])
        out.raw_test([("A\r\u2028B\u00a0C", "D")])
    assert (tmp_path / "tok/train.de").read_bytes() == b"a b\n" * len(spaces)
    assert (tmp_path / "raw/test.de").read_bytes() == "A  B\u00a0C\n".encode()
    assert out.respaced == {"tok/train.de": len(spaces) - 1, "raw/test.de": 1}


def test_a_line_of_nothing_but_white_space_is_empty(tmp_path):
    with pytest.raises(InputError, match=r"tok/train\.de:1: empty line"), SplitWriter(tmp_path, "de", "en") as out:
        out.tokenised("train", [("\u3000\x85", "b")])


def test_an_empty_line_stops_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match=r"tok/train\.en:2: empty line"), SplitWriter(tmp_path, "de", "en") as out:
        out.tokenised("train", [("a", "b"), ("c", "")])
    assert names(tmp_path) == []


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_full_disk_stops_and_leaves_nothing(lines, tmp_path):
    (tmp_path / "tok").mkdir()
    (tmp_path / "tok" / f".valid.de.{os.getpid()}.partial").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"valid\.de: cannot be written \(No space left"):
        with SplitWriter(tmp_path, "de", "en") as out:
            out.tokenised("valid", [("a", "b")] * lines)
    assert names(tmp_path) == []
