"""Nothing half-written is ever left under its final name; text that is not text is refused with its place."""

import bz2
import gzip
import lzma
import os
import subprocess
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.files import atomic_writer, git_blob_hash, one_line, read_json, read_lines, sha256, write_json, write_lines


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


# Every character at which str.splitlines() or universal newlines end a line, but LF.
BREAKS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def test_lines_end_at_lf_and_crlf(tmp_path):
    (tmp_path / "a").write_bytes("ä b\r\n\nc\u00a0d\n\ufeffe".encode())
    assert read_lines(tmp_path / "a") == ["ä b", "", "c\u00a0d", "\ufeffe"]


def test_the_breaks_are_those_of_python():
    others = [chr(code) for code in range(0x110000) if len(f"a{chr(code)}b".splitlines()) > 1 and chr(code) != "\n"]
    assert "".join(others) == "".join(sorted(BREAKS))
    assert one_line(f"a\n{BREAKS}\x1fb\u00a0\t") == "a" + " " * 11 + "b\u00a0\t"


@pytest.mark.parametrize("character", BREAKS)
def test_a_line_that_readers_count_differently_is_refused(character, tmp_path):
    (tmp_path / "a").write_bytes(f"fine\nab{character}c\n".encode())
    message = rf"a:2: a line break, U\+{ord(character):04X}, inside the line \(character 3\); put a space"
    with pytest.raises(InputError, match=message):
        read_lines(tmp_path / "a")


@pytest.mark.parametrize("character", BREAKS + "\n")
def test_no_such_line_is_written(character, tmp_path):
    with pytest.raises(InputError, match=rf"a:2: a line break, U\+{ord(character):04X}"):
        write_lines(tmp_path / "a", ["fine", f"b{character}c"])
    assert not list(tmp_path.iterdir())


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a").write_bytes("a b\nc\n".encode("utf-8-sig"))
    assert read_lines(tmp_path / "a") == ["a b", "c"]
    (tmp_path / "a.json").write_bytes('{"x": 1}'.encode("utf-8-sig"))
    assert read_json(tmp_path / "a.json") == {"x": 1}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_wide_text_is_named_as_such(encoding, tmp_path):
    (tmp_path / "a").write_bytes("ein Hund\nzwei\n".encode(encoding))
    kind = encoding[:6].upper()
    with pytest.raises(InputError, match=rf"a:1: {kind}, not UTF-8; convert the file: iconv -f {kind} -t UTF-8"):
        read_lines(tmp_path / "a")


@pytest.mark.parametrize(
    ("content", "reader", "complaint"),
    [
        (b"fine\nb\xe4d\n", read_lines, r"a:2: not UTF-8 \(byte 2 of the line\)"),
        (b'{"x": 1,\n}', read_json, "a:2: not JSON"),
        ('{"x": 1}'.encode("utf-16"), read_json, "a: not UTF-8"),
    ],
)
def test_unreadable_content_names_its_place(tmp_path, content, reader, complaint):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        reader(tmp_path / "a")


@pytest.mark.parametrize(("packer", "program"), [(gzip, "gzip"), (bz2, "bzip2"), (lzma, "xz")])
def test_compressed_text_is_named_as_such(packer, program, tmp_path):
    (tmp_path / "a").write_bytes(packer.compress(b"ein Hund\nzwei\n"))
    with pytest.raises(InputError, match=f"a: compressed, not text; unpack it: {program} -dc OLD > NEW"):
        read_lines(tmp_path / "a")


def test_a_folder_is_named_as_such(tmp_path):
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        read_lines(tmp_path)


def test_a_pipe_is_read(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"ein Hund\n")
    os.close(writing)
    assert read_lines(Path(f"/dev/fd/{reading}")) == ["ein Hund"]
    os.close(reading)


@pytest.mark.parametrize("reader", [read_lines, read_json])
def test_a_missing_file_is_one_line(tmp_path, reader):
    with pytest.raises(InputError, match="nothing: "):
        reader(tmp_path / "nothing")


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_file_whose_lines_end_at_cr_alone_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"one\rtwo\rthree\r")
    with pytest.raises(InputError, match=r"a: its lines end at CR alone; convert the file: tr '\\r' '\\n' < OLD > NEW"):
        read_lines(tmp_path / "a")
    (tmp_path / "a").write_bytes(b"one\r")
    assert read_lines(tmp_path / "a") == ["one"]
