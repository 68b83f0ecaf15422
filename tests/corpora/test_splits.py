import os

import pytest

from janus.corpora.splits import SplitWriter
from janus.errors import InputError


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
