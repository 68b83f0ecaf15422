import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile

import pytest

from janus.errors import InputError
from janus.fetching import opening
from janus.fetching.extract import extract, gunzip, members
from janus.fetching.file_kinds import Unfit, require_kind
from janus.text.documents import read_documents


def tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            if isinstance(content, str):
                info.external_attr, content = 0o120777 << 16, content.encode()
            archive.writestr(info, content)
    return path


MAKERS = pytest.mark.parametrize("make", [tar, zipped])


@MAKERS
def test_named_members_come_out_and_no_others(make, tmp_path):
    archive = make(tmp_path / "a", {"x/one": b"1", "x/two": b"2", "../evil": b"3"})
    found = extract(archive, ["x/two"], tmp_path / "out")
    assert found["x/two"].read_bytes() == b"2"
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["two"]


@MAKERS
def test_a_missing_member_is_named(make, tmp_path):
    with pytest.raises(InputError, match="lacks x/three; "):
        extract(make(tmp_path / "a", {"x/one": b"1"}), ["x/one", "x/three"], tmp_path / "out")


@MAKERS
@pytest.mark.parametrize("name", ["../evil", "x/../../evil", "/evil"])
def test_no_member_leaves_the_folder(make, name, tmp_path):
    with pytest.raises(InputError, match="leads out of the folder"):
        extract(make(tmp_path / "a", {name: b"3"}), [name], tmp_path / "out")
    assert not list(tmp_path.rglob("evil"))


@MAKERS
def test_a_link_is_refused(make, tmp_path):
    with pytest.raises(InputError, match="is no plain file"):
        extract(make(tmp_path / "a", {"x/link": "/etc/passwd"}), ["x/link"], tmp_path / "out")


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_a_damaged_tar_is_no_corpus(cut, tmp_path):
    whole = tar(tmp_path / "a", {"x/one": b"1" * 10000}).read_bytes()
    (tmp_path / "b").write_bytes(whole[:cut])
    with pytest.raises(InputError, match="damaged archive|lacks x/one"):
        extract(tmp_path / "b", ["x/one"], tmp_path / "out")
    assert not list(tmp_path.rglob("one"))


def test_a_zip_with_a_spoilt_member_is_damaged(tmp_path):
    archive = zipped(tmp_path / "a", {"x/one": b"hello" * 100})
    archive.write_bytes(archive.read_bytes().replace(b"hello", b"hallo", 1))
    with pytest.raises(InputError, match="damaged archive"):
        extract(archive, ["x/one"], tmp_path / "out")
    assert not list(tmp_path.rglob("one"))


def test_gunzip_gives_the_text_or_an_error(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text\n"))
    assert gunzip(tmp_path / "a.gz", tmp_path / "a").read_bytes() == b"text\n"
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"text\n")[:-3])
    with pytest.raises(InputError, match="damaged archive"):
        gunzip(tmp_path / "b.gz", tmp_path / "b")
    assert not (tmp_path / "b").exists()


def content(mode="w:gz"):
    """An archive whose member is the larger part of it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        info = tarfile.TarInfo("x/one")
        info.size = 9000
        archive.addfile(info, io.BytesIO(random.Random(1).randbytes(9000)))
    return bytearray(stream.getvalue())


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("kept", [-1, -8, 0.5])
def test_a_compressed_archive_without_its_end_is_damaged(mode, kept, tmp_path):
    """Though every member that is asked for is there: the checksum stands behind them."""
    whole = content(mode)
    (tmp_path / "a").write_bytes(whole[: int(len(whole) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(InputError, match="a: damaged archive .*; remove it and fetch it again"):
        extract(tmp_path / "a", ["x/one"], tmp_path / "out")
    (tmp_path / "a.tar.gz").write_bytes((tmp_path / "a").read_bytes())
    with pytest.raises(InputError, match="a.tar.gz: damaged archive"):
        list(read_documents(tmp_path / "a.tar.gz"))


def test_a_flipped_byte_of_a_member_is_noticed(tmp_path):
    whole = content()
    whole[len(whole) // 2] ^= 4
    (tmp_path / "a").write_bytes(whole)
    with pytest.raises(InputError, match="a: damaged archive"):
        extract(tmp_path / "a", ["x/one"], tmp_path / "out")


def test_a_damaged_gzip_is_not_taken_for_a_full_disk(tmp_path):
    whole = bytearray(gzip.compress(random.Random(1).randbytes(9000)))
    whole[len(whole) // 2] ^= 4
    for name, kind in (("flipped.gz", whole), ("trailing.gz", gzip.compress(b"x" * 9000) + b"garbage")):
        (tmp_path / name).write_bytes(kind)
        with pytest.raises(InputError, match=f"{name}: damaged archive .*; remove it and fetch it again"):
            gunzip(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)])
def test_a_zip_that_python_cannot_open_is_one_line(place, value, tmp_path):
    """One that is encrypted, and one whose compression is unknown."""
    zipped(tmp_path / "a", {"x/one": b"1"})
    whole = bytearray((tmp_path / "a").read_bytes())
    whole[whole.rfind(b"PK\x01\x02") + place] = value
    whole[place - 2] = value
    (tmp_path / "a").write_bytes(whole)
    with pytest.raises(InputError, match="a: damaged archive"):
        extract(tmp_path / "a", ["x/one"], tmp_path / "out")


def test_a_missing_archive_is_one_line(tmp_path):
    with pytest.raises(InputError, match="a: cannot be read .No such file"):
        extract(tmp_path / "a", ["x/one"], tmp_path / "out")


def one_member(path, name="x/one", content=b"", mode="w", **attributes):
    """A tar with a member of any kind."""
    with tarfile.open(path, mode) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for key, value in attributes.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_hard_links_and_devices_are_refused(kind, tmp_path):
    archive = one_member(tmp_path / "a", type=kind, linkname="/etc/passwd", devmajor=1, devminor=3)
    with pytest.raises(InputError, match="member 'x/one' is no plain file; do not trust this archive"):
        extract(archive, ["x/one"], tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*"))


def test_a_file_with_holes_is_refused(tmp_path):
    """A member of 1 TB in a kilobyte: the holes are not in the archive."""
    holes = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x/one"}
    holes["GNU.sparse.realsize"] = str(10**12)
    content = b"1\n1000000000000\n0\n".ljust(512, b"\0")
    archive = one_member(tmp_path / "a", content=content, mode="w", pax_headers=holes)
    with pytest.raises(InputError, match="'x/one' is no plain file"):
        extract(archive, ["x/one"], tmp_path / "out")
    assert list(read_documents(one_member(tmp_path / "a.tar", "one.txt", content, pax_headers=holes))) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_member_that_is_there_twice_is_refused(kind, tmp_path):
    """Who looked at the archive may have seen the other one."""
    path = tmp_path / "a"
    if kind == "tar":
        with tarfile.open(path, "w") as archive:
            for content in (b"good", b"evil"):
                info = tarfile.TarInfo("x/one")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for content in (b"good", b"evil"):
                archive.writestr("x/one", content)
    with pytest.raises(InputError, match="member 'x/one' is there twice"):
        extract(path, ["x/one"], tmp_path / "out")


def bomb(path):
    """Three megabytes that shrink to three kilobytes, in the form that the name tells."""
    content = bytes(3 << 20)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x/one.txt", content)
    elif ".tar" in path.name:
        one_member(path, "x/one.txt", content, mode=f"w:{path.suffix[1:]}")
    else:
        opener = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}[path.suffix]
        with opener(path, "wb") as stream:
            stream.write(content)
    return path


NAMES = ["a.tar.gz", "a.tar.xz", "a.tar.bz2", "a.zip", "a.txt.gz", "a.txt.xz", "a.txt.bz2"]


@pytest.mark.parametrize("name", NAMES)
def test_what_grows_too_much_is_not_written(name, tmp_path, monkeypatch):
    archive = bomb(tmp_path / name)
    # So that the test need not write what a real one would.
    monkeypatch.setattr(opening, "_ALWAYS_ALLOWED", 1 << 20)
    readings = [lambda: require_kind(archive, name)]
    if ".txt" in name:
        readings.append(lambda: list(opening.read_lines(archive)))
    else:
        readings.append(lambda: extract(archive, ["x/one.txt"], tmp_path / "out"))
    if ".tar" in name:
        readings.append(lambda: list(read_documents(archive)))
    for read in readings:
        with pytest.raises((InputError, Unfit), match="grows (too much|to more than 200 times)"):
            read()
    assert not list(tmp_path.rglob("one.txt"))


def test_what_shrinks_as_text_does_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "_ALWAYS_ALLOWED", 0)
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"the same sentence again\n" * 400))
    assert len(list(opening.read_lines(tmp_path / "a.gz"))) == 400


def test_the_members_of_an_archive_are_listed(tmp_path):
    for make in (tar, zipped):
        assert members(make(tmp_path / "a", {"x/one": b"1", "../two": b"2"})) == ["x/one", "../two"]
    (tmp_path / "b").write_bytes(b"no archive")
    with pytest.raises(InputError, match="b: damaged archive"):
        members(tmp_path / "b")
