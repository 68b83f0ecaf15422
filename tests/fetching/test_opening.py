import bz2
import gzip
import lzma

import pytest

from janus.errors import InputError
from janus.fetching.opening import read_lines, read_text, stem

TEXT = "un\u2028 café\r\nzwei\n\ndrei"


@pytest.mark.parametrize(
    "suffix, pack", [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_every_compression_reads_alike(suffix, pack, tmp_path):
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(pack(TEXT.encode()))
    assert list(read_lines(path)) == ["un\u2028 café", "zwei", "", "drei"]
    assert stem(path) == tmp_path / "a.txt"


def test_a_byte_order_mark_is_no_text_and_utf_16_is_none(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress("das Haus\n\ufeffdas\n".encode("utf-8-sig")))
    assert list(read_lines(path)) == ["das Haus", "\ufeffdas"]
    path.write_bytes(gzip.compress("das Haus\n".encode("utf-16")))
    with pytest.raises(InputError, match=r"a\.gz:1: UTF-16, not UTF-8; convert the file"):
        list(read_lines(path))


def test_long_files_come_whole(tmp_path):
    lines = [f"line {i} " + "x" * (i % 97) for i in range(50_000)]
    (tmp_path / "a.xz").write_bytes(lzma.compress("\n".join(lines).encode(), preset=0))
    assert list(read_lines(tmp_path / "a.xz")) == lines


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_file_is_named(pack, tmp_path):
    path = tmp_path / f"a.{ {gzip.compress: 'gz', bz2.compress: 'bz2', lzma.compress: 'xz'}[pack] }"
    whole = pack(bytes(range(32, 127)) * 2000)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.\w+: damaged .*fetch it again"):
        read_text(path)
    path.write_bytes(b"no archive at all")
    with pytest.raises(InputError, match="damaged"):
        read_text(path)


def test_bytes_that_are_no_text_are_named_by_line(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"ok\n\xff\n"))
    with pytest.raises(InputError, match=r"a\.gz:2: not UTF-8"):
        read_text(tmp_path / "a.gz")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_text(tmp_path / "a.gz")
