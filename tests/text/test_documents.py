import bz2
import gzip
import importlib.util
import io
import json
import random
import sys
import tarfile
import tracemalloc

import pytest

from janus.errors import InputError
from janus.text.documents import read_documents, require_readers, runs

needs_pyarrow = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None,
    reason="pyarrow, of the extra `parquet`, is not installed: pip install -r requirements-parquet.lock",
)


def tar(path, members, mode="w:bz2"):
    with tarfile.open(path, mode) as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_lines_fall_into_documents():
    assert list(runs(["a", " ", "b", "c", "d"], longest=2)) == [["a"], ["b", "c"], ["d"]]
    assert list(runs(["", ""])) == []


def test_records_are_documents(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "one\\ntwo", "id": 1}\n{"text": "three"}\n'))
    assert list(read_documents(path)) == [["one", "two"], ["three"]]


def test_an_archive_is_read_where_it_lies(tmp_path):
    books = {"books_large_p1.txt": "a one\nb two\n", "README.md": "not text", "x/books_large_p2.txt": "c\n\nd\n"}
    assert list(read_documents(tar(tmp_path / "books.tar.bz2", books))) == [["a one", "b two"], ["c"], ["d"]]


def test_a_member_that_leads_out_of_the_folder_is_never_written(tmp_path):
    path = tar(tmp_path / "in" / "a.tar.bz2", {"../../evil.txt": "x\n"}) if (tmp_path / "in").mkdir() is None else None
    assert list(read_documents(path)) == [["x"]]
    assert not list(tmp_path.rglob("evil.txt"))


def test_links_and_devices_are_passed_over(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert list(read_documents(tmp_path / "a.tar")) == []


def test_memory_does_not_grow_with_the_file(tmp_path):
    rng = random.Random(1)

    def peak(lines):
        text = "".join(f"{rng.getrandbits(160):x}\n" for _ in range(lines))
        path = tar(tmp_path / f"{lines}.tar.gz", {"a.txt": text}, "w:gz")
        tracemalloc.start()
        assert sum(1 for _ in read_documents(path)) == lines // 500
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1_000)
    assert peak(40_000) < 1.5 * peak(5_000)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tar.bz2", b"<html>", r"a\.tar\.bz2: damaged archive"),
        ("a.jsonl", b'{"text": "a"}\n{"body": 1}\n', r"a\.jsonl:2: no JSON object with `text`"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl:1: no JSON object"),
        ("a.txt.bz2", bz2.compress(b"x\n" * 9000)[:-8], r"a\.txt\.bz2: damaged"),
        ("a.doc", b"", r"a\.doc: cannot be read as text \(\.doc\)"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        list(read_documents(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_a_missing_download_is_named(tmp_path):
    with pytest.raises(InputError, match="download is missing"):
        read_documents(tmp_path / "a.txt")


def test_a_truncated_archive_is_named(tmp_path):
    text = "".join(json.dumps(i * 7919) + " words\n" for i in range(20_000))
    path = tar(tmp_path / "a.tar.bz2", {"a.txt": text})
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"damaged"):
        list(read_documents(path))


def test_without_pyarrow_one_line_says_so_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    require_readers(["a.txt", "b.tar.bz2"])
    (tmp_path / "a.parquet").touch()
    for call in (lambda: require_readers(["a.parquet"]), lambda: list(read_documents(tmp_path / "a.parquet"))):
        with pytest.raises(InputError, match=r"a\.parquet: needs pyarrow, which is not installed; pip install"):
            call()


def test_several_tables_without_a_reader_are_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"^b\.parquet and 2 more: needs pyarrow"):
        require_readers(["d/c.parquet", "d/b.parquet", "d/d.parquet", "a.txt", "d/b.parquet"])


@needs_pyarrow
def test_parquet_rows_are_documents(tmp_path):
    import pyarrow
    import pyarrow.parquet

    texts = [f"paragraph {i}\nmore of it" for i in range(700)]
    table = pyarrow.table({"id": list(map(str, range(700))), "text": texts})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=100)
    assert list(read_documents(tmp_path / "a.parquet")) == [text.split("\n") for text in texts]
    pyarrow.parquet.write_table(table.drop(["text"]), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="has no column `text`"):
        list(read_documents(tmp_path / "b.parquet"))
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"c\.parquet: damaged"):
        list(read_documents(tmp_path / "c.parquet"))


@pytest.mark.parametrize("line", ['{"text": 3}', '{"text": null}', '{"text": ["a"]}', "[1]", "[" * 99_999, "NaN"])
def test_a_record_whose_text_is_none_names_its_line(line, tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n' + line + "\n")
    with pytest.raises(InputError, match="x.jsonl:2: no JSON object with `text`"):
        list(read_documents(tmp_path / "x.jsonl"))
