"""Every kind of download is opened from the first byte to the last: cut or changed anywhere, it is found."""

import bz2
import gzip
import importlib.util
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from janus.fetching.file_kinds import Unfit, require_kind

TEXT = "".join(f"line {number} of the text äöü\n" for number in range(3000)).encode()
TINY_BART = Path(__file__).resolve().parents[1] / "model/tiny-bart/model.safetensors"


def tar(mode: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name in ("x/one", "x/two"):
            member = tarfile.TarInfo(name)
            member.size = len(TEXT)
            archive.addfile(member, io.BytesIO(TEXT))
    return stream.getvalue()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one", TEXT)
        archive.writestr("two", TEXT[::-1])
    return stream.getvalue()


def table() -> bytes:
    import pyarrow.parquet

    stream = io.BytesIO()
    rows = pyarrow.table({"text": TEXT.decode().split("\n")})
    pyarrow.parquet.write_table(rows, stream, row_group_size=500)
    return stream.getvalue()


def checkpoint(**options) -> bytes:
    stream = io.BytesIO()
    torch.save({"model": torch.arange(5000.0)}, stream, **options)
    return stream.getvalue()


FILES = {
    "a.tar": tar("w"),
    "a.tar.gz": tar("w:gz"),
    "a.tgz": tar("w:gz"),
    "a.tar.bz2": tar("w:bz2"),
    "a.tar.xz": tar("w:xz"),
    "a.zip": zipped(),
    "a.txt.gz": gzip.compress(TEXT),
    "a.txt.bz2": bz2.compress(TEXT),
    "a.src.xz": lzma.compress(TEXT),
    "model.safetensors": TINY_BART.read_bytes(),
    "model.pt": checkpoint(),
    "a.json": json.dumps(list(range(2000))).encode(),
    "vocab.bpe": TEXT,
    "a.bin": bytes(range(256)),
}
# pyarrow is no part of the locked environment, only of that of the corpora.
FILES |= {"a.parquet": table()} if importlib.util.find_spec("pyarrow") else {}
# Cut without a trace: nothing in them says how long they are.
_WITHOUT_END = {"vocab.bpe", "a.bin"}


@pytest.mark.parametrize("name", FILES)
def test_a_sound_file_is_what_its_name_says(name, tmp_path):
    (tmp_path / "x").write_bytes(FILES[name])
    require_kind(tmp_path / "x", name)


# The last thousandth of a tar file is padding.
CUTS = [(name, share) for name in FILES if name not in _WITHOUT_END for share in (0.3, 0.9, 0.999)]
CUTS.remove(("a.tar", 0.999))


@pytest.mark.parametrize(("name", "share"), CUTS)
def test_a_cut_file_is_found(name, share, tmp_path):
    (tmp_path / "x").write_bytes(FILES[name][: int(share * len(FILES[name]))])
    with pytest.raises(Unfit) as caught:
        require_kind(tmp_path / "x", name)
    assert caught.value.damaged and "\n" not in str(caught.value)


def test_an_archive_cut_between_two_members_is_found(tmp_path):
    whole = FILES["a.tar"]
    (tmp_path / "x").write_bytes(whole[: 512 + -(-len(TEXT) // 512) * 512])
    with pytest.raises(Unfit, match="breaks off after a member"):
        require_kind(tmp_path / "x", "a.tar")


# Those that carry a checksum of all that they hold.
@pytest.mark.parametrize(
    "name", ["a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "a.zip", "a.txt.gz", "a.src.xz", "model.pt"]
)
def test_a_flipped_byte_is_found(name, tmp_path):
    content = bytearray(FILES[name])
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(Unfit) as caught:
        require_kind(tmp_path / "x", name)
    assert caught.value.damaged


def test_a_checksum_at_the_end_of_the_file_is_read(tmp_path):
    """After the end of the archive within it, where a reader of members stops."""
    content = bytearray(FILES["a.tgz"])
    content[-6] ^= 0xFF
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(Unfit, match="damaged archive"):
        require_kind(tmp_path / "x", "a.tgz")


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (b"<html><head><title>Quota exceeded</title>", "titled 'Quota exceeded'"),
        (b"\xef\xbb\xbf\n <!doctype HTML><TITLE lang='en'>A &amp; B\x07</TITLE>", "titled 'A & B'"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<html xmlns='y'>", "without a title"),
    ],
)
def test_pages_are_told_by_their_title(content, title, tmp_path):
    (tmp_path / "x").write_bytes(content)
    for name in ("a.tgz", "a.txt", "a.parquet", "a.of-no-kind"):
        with pytest.raises(Unfit, match=f"a web page, {title}") as caught:
            require_kind(tmp_path / "x", name)
        assert not caught.value.damaged
    require_kind(tmp_path / "x", "a.html")


def test_a_text_that_speaks_of_pages_is_none(tmp_path):
    (tmp_path / "x").write_bytes(b"the tag <html> begins a page\n<html>\n")
    require_kind(tmp_path / "x", "a.txt")


def test_an_old_checkpoint_is_one(tmp_path):
    (tmp_path / "x").write_bytes(checkpoint(_use_new_zipfile_serialization=False))
    require_kind(tmp_path / "x", "model.pt")


def test_a_table_is_told_by_both_its_ends_where_nothing_can_read_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (tmp_path / "x").write_bytes(b"PAR1 rows PAR1")
    require_kind(tmp_path / "x", "a.parquet")
    (tmp_path / "x").write_bytes(b"PAR1 rows")
    with pytest.raises(Unfit, match="a damaged parquet table"):
        require_kind(tmp_path / "x", "a.parquet")


NOTHING_INSIDE = {
    "a.txt.gz": gzip.compress(b""),
    "a.txt.bz2": bz2.compress(b""),
    "a.txt.xz": lzma.compress(b""),
    "a.zip": b"PK\x05\x06" + bytes(18),
    "a.parquet": b"PAR1",
    "unquoted.safetensors": (2).to_bytes(8, "little") + b"{]",
    "more.safetensors": (9).to_bytes(8, "little") + b'{"a":{}}x',
    "no-offsets.safetensors": (8).to_bytes(8, "little") + b'{"a":{}}',
    "number.safetensors": (24).to_bytes(8, "little") + b'{"a":{"data_offsets":3}} ',
}


@pytest.mark.parametrize("name", NOTHING_INSIDE)
def test_files_with_nothing_inside_are_unfit(name, tmp_path):
    (tmp_path / name).write_bytes(NOTHING_INSIDE[name])
    with pytest.raises(Unfit):
        require_kind(tmp_path / name, name)
