"""Nothing half-written is ever left under its final name; text that is not text is refused with its place."""

import subprocess

import pytest

from janus.errors import InputError
from janus.files import atomic_writer, git_blob_hash, read_json, read_lines, sha256, write_json, write_lines


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path):
    write_lines(tmp_path / "a", ["old"])
    with pytest.raises(RuntimeError), atomic_writer(tmp_path / "a") as stream:
        stream.write("half")
        raise RuntimeError
    assert read_lines(tmp_path / "a") == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_one_line():
    with pytest.raises(InputError, match="/dev/full/a: cannot be written"):
        write_lines("/dev/full/a", ["x"])


def printed(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_hashes_equal_those_of_git_and_coreutils(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"some\nbytes\x00\xff")
    assert git_blob_hash(path) == printed("git", "hash-object", str(path)).strip()
    assert sha256(path) == printed("sha256sum", str(path)).split()[0]


def test_lines_end_at_newlines_alone(tmp_path):
    text = "a\u2028b\x85c\nd\r\n\ne"
    (tmp_path / "a").write_bytes(text.encode())
    assert read_lines(tmp_path / "a") == ["a\u2028b\x85c", "d", "", "e"]


@pytest.mark.parametrize(
    ("content", "reader", "complaint"),
    [
        (b"fine\nb\xe4d\n", read_lines, r"a:2: not UTF-8 \(byte 2 of the line\)"),
        (b'{"x": 1,\n}', read_json, "a:2: not JSON"),
    ],
)
def test_unreadable_content_names_its_place(tmp_path, content, reader, complaint):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        reader(tmp_path / "a")


@pytest.mark.parametrize("reader", [read_lines, read_json])
def test_a_missing_file_is_one_line(tmp_path, reader):
    with pytest.raises(InputError, match="nothing: "):
        reader(tmp_path / "nothing")


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a", {"x": float("nan")})
    assert not list(tmp_path.iterdir())
