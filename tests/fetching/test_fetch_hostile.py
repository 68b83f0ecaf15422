"""Servers that give something else than the file: nothing is pinned that was not opened, and no right file is lost."""

import gzip
import hashlib
import io
import json
import random
import tarfile

import pytest
from scripted_server import Answer, Server

from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import Download
from janus.fetching.pins import PINS

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in &ndash;\n University</title></head><body>Sorry</body></html>"
NAME = "corpus.tgz"


def archive(seed: int = 1) -> bytes:
    stream, content = io.BytesIO(), random.Random(seed).randbytes(20_000)
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        member = tarfile.TarInfo("de-en/train.de")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


GOOD, OTHER = archive(1), archive(2)


@pytest.fixture
def served():
    with Server() as running:
        yield running


@pytest.fixture
def bring(served, tmp_path):
    def run(*answers, name=NAME, addresses=None, folder=tmp_path, **changes):
        if answers:
            served.answers = list(answers)
        options = {key: changes.pop(key) for key in ("attempts", "timeout") if key in changes}
        download = Download(name, name, addresses or (f"{served.base}/{name}",), **changes)
        return fetch(download, folder, progress=False, pause=0, **options)

    return run


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pins(folder):
    return json.loads((folder / PINS).read_text()) if (folder / PINS).exists() else {}


def aside(folder):
    return [path.read_bytes() for path in sorted((folder / "rejected").glob("*"))]


def parts(folder):
    return [path.name for path in folder.iterdir() if ".part" in path.name]


def test_a_page_is_named_set_aside_and_never_pinned_and_the_file_after_it_is_taken(bring, tmp_path):
    with pytest.raises(InputError, match=r"a web page, titled 'Sign in – University', and not corpus\.tgz") as caught:
        bring(Answer(PAGE))
    assert "\n" not in str(caught.value) and "put the file there" in str(caught.value)
    assert pins(tmp_path) == {} and not (tmp_path / NAME).exists() and aside(tmp_path) == [PAGE]
    assert bring(Answer(GOOD)).read_bytes() == GOOD
    assert pins(tmp_path) == {NAME: digest(GOOD)}


def test_after_a_page_the_next_address_is_asked(bring, served, tmp_path):
    addresses = (f"{served.base}/sign-in", f"{served.base}/file")
    assert bring(Answer(PAGE), Answer(GOOD), addresses=addresses).read_bytes() == GOOD
    assert [request["path"] for request in served.requests] == ["/sign-in", "/file"]
    assert pins(tmp_path) == {NAME: digest(GOOD)}


def test_a_page_that_was_pinned_once_stands_in_nobodys_way(bring, tmp_path):
    """As earlier versions left it: the one remedy that the message names works, without a second download."""
    (tmp_path / PINS).write_text(json.dumps({"other": "0" * 64, NAME: digest(PAGE)}))
    with pytest.raises(InputError) as caught:
        bring(Answer(GOOD))
    assert f"sha256 is {digest(GOOD)}" in str(caught.value) and aside(tmp_path) == [GOOD]
    assert str(caught.value).endswith("write its sha256 there in the place of the other and run again")
    (tmp_path / PINS).write_text((tmp_path / PINS).read_text().replace(digest(PAGE), digest(GOOD)))
    assert bring(Answer(b"", 500)).read_bytes() == GOOD
    assert aside(tmp_path) == [] and pins(tmp_path)[NAME] == digest(GOOD)


def test_without_the_pin_the_file_that_was_set_aside_is_taken_back(bring, tmp_path, capsys):
    (tmp_path / PINS).write_text(json.dumps({NAME: digest(PAGE)}))
    with pytest.raises(InputError, match="checksum differs"):
        bring(Answer(GOOD))
    (tmp_path / PINS).unlink()
    assert bring(Answer(PAGE)).read_bytes() == GOOD
    assert f"taken from rejected/{digest(GOOD)[:12]}-{NAME}" in capsys.readouterr().err


def test_a_pinned_page_that_lies_there_is_no_file(bring, tmp_path, capsys):
    (tmp_path / PINS).write_text(json.dumps({NAME: digest(PAGE)}))
    (tmp_path / NAME).write_bytes(PAGE)
    with pytest.raises(InputError, match="what lay there: a web page, .*: checksum differs: .*write its sha256 there"):
        bring(Answer(GOOD))
    assert not (tmp_path / NAME).exists() and sorted(aside(tmp_path)) == sorted([PAGE, GOOD])
    assert "a web page, titled" in capsys.readouterr().err


def test_another_file_than_the_pinned_one_is_refused_and_kept(bring, tmp_path):
    bring(Answer(GOOD)).unlink()
    with pytest.raises(InputError, match=rf"sha256 is {digest(OTHER)}, .*pins\.json .* says {digest(GOOD)}"):
        bring(Answer(OTHER))
    assert aside(tmp_path) == [OTHER] and pins(tmp_path) == {NAME: digest(GOOD)}
    assert bring(Answer(GOOD)).read_bytes() == GOOD


def test_a_file_put_there_by_hand_is_opened_too(bring, tmp_path):
    (tmp_path / NAME).write_bytes(GOOD)
    assert bring(Answer(b"", 500)) == tmp_path / NAME and pins(tmp_path) == {NAME: digest(GOOD)}


@pytest.mark.parametrize("size", [60, len(GOOD) + 1, 19_982_877])
def test_the_size_of_the_manifest_is_checked(bring, tmp_path, size):
    with pytest.raises(InputError, match=rf"{len(GOOD):,} bytes, the manifest says {size:,}"):
        bring(Answer(GOOD), bytes=size)
    assert pins(tmp_path) == {} and not (tmp_path / NAME).exists()
    assert bring(Answer(GOOD), bytes=len(GOOD), folder=tmp_path / "right").read_bytes() == GOOD


def test_what_is_far_too_large_is_not_fetched(bring, served, tmp_path):
    with pytest.raises(InputError, match="offers 5,000,000 bytes, the manifest says 100"):
        bring(Answer(b"\0" * 5_000_000), bytes=100)
    with pytest.raises(InputError, match="sends more than the 1,048,576 bytes"):
        bring(Answer(b"\0" * 5_000_000, length=None), bytes=100)
    assert len(served.requests) == 2


@pytest.mark.parametrize("how", ["without a length", "a length too small", "a length too large"])
def test_a_cut_body_is_never_taken(bring, served, tmp_path, how):
    cut = GOOD[: len(GOOD) // 2]
    answer = {
        "without a length": Answer(cut, length=None),
        "a length too small": Answer(GOOD, length=len(cut)),
        "a length too large": Answer(cut, length=len(GOOD)),
    }[how]
    with pytest.raises(InputError, match=r"damaged archive|truncated, \d+,\d+ of|IncompleteRead"):
        bring(answer)
    assert len(served.requests) == 3 and pins(tmp_path) == {} and not (tmp_path / NAME).exists()
    assert bring(answer, Answer(GOOD)).read_bytes() == GOOD


def test_a_length_that_is_no_number_is_no_length(bring):
    assert bring(Answer(GOOD, headers={"Content-Length": "many"}, length=None)).read_bytes() == GOOD


def test_redirects_are_followed_and_where_they_end_is_looked_at(bring, served, tmp_path):
    there = Answer(b"", 302, {"Location": "/elsewhere"})
    assert bring(there, Answer(GOOD)).read_bytes() == GOOD
    (tmp_path / NAME).unlink()
    with pytest.raises(InputError, match="a web page, titled 'Sign in"):
        bring(there, Answer(PAGE))
    with pytest.raises(InputError, match="redirect"):
        bring(there)


ETAG = {"ETag": '"one"'}


def half(headers):
    return Answer(GOOD[:9000], headers=headers, length=len(GOOD))


@pytest.mark.parametrize("mark", [ETAG, {"Last-Modified": "Sat, 29 Oct 1994 19:43:31 GMT"}])
def test_a_file_with_a_mark_of_its_version_is_resumed(bring, served, tmp_path, mark):
    assert bring(half(mark), Answer(GOOD, headers=mark, ranges=True)).read_bytes() == GOOD
    request = served.requests[1]
    assert request["Range"] == "bytes=9000-" and request["If-Range"] == next(iter(mark.values()))
    assert not parts(tmp_path)


@pytest.mark.parametrize("mark", [{}, {"ETag": 'W/"one"'}])
def test_a_file_without_one_starts_again(bring, served, mark):
    assert bring(half(mark), Answer(GOOD, headers=mark, ranges=True)).read_bytes() == GOOD
    assert "Range" not in served.requests[1]


def test_a_file_that_changed_meanwhile_starts_again(bring, served):
    changed = Answer(OTHER, headers={"ETag": '"two"'}, ranges=True)
    assert bring(half(ETAG), changed).read_bytes() == OTHER


def test_a_server_that_ignores_the_version_is_found_out(bring, served):
    """It sends the rest of another file as if nothing were."""
    rest = Answer(OTHER[9000:], 206, {"ETag": '"two"', "Content-Range": f"bytes 9000-{len(OTHER) - 1}/{len(OTHER)}"})
    assert bring(half(ETAG), rest, Answer(OTHER)).read_bytes() == OTHER


def test_a_range_that_begins_elsewhere_is_found_out(bring, served):
    rest = Answer(GOOD[8000:], 206, ETAG | {"Content-Range": f"bytes 8000-{len(GOOD) - 1}/{len(GOOD)}"})
    assert bring(half(ETAG), rest, Answer(GOOD)).read_bytes() == GOOD


def test_a_part_that_nobody_asked_for_is_refused(bring, served):
    rest = Answer(GOOD[8000:], 206, ETAG | {"Content-Range": f"bytes 8000-{len(GOOD) - 1}/{len(GOOD)}"})
    with pytest.raises(InputError, match="sends a part where the whole was asked for"):
        bring(rest)


def test_two_files_joined_under_one_mark_are_found_out(bring, served, tmp_path):
    rest = Answer(OTHER[9000:], 206, ETAG | {"Content-Range": f"bytes 9000-{len(OTHER) - 1}/{len(OTHER)}"})
    assert bring(half(ETAG), rest, Answer(OTHER), attempts=2).read_bytes() == OTHER
    assert aside(tmp_path) == []


def test_a_part_that_lacks_nothing_is_taken(bring, served, tmp_path):
    """A run was killed after the last byte: the server refuses the range after it."""
    with pytest.raises(InputError, match=r"truncated|IncompleteRead"):
        bring(half(ETAG), attempts=1)
    [part] = [name for name in parts(tmp_path) if name.endswith(".part")]
    (tmp_path / part).write_bytes(GOOD)
    assert bring(Answer(GOOD, headers=ETAG, ranges=True), attempts=1).read_bytes() == GOOD
    assert served.requests[-1]["Range"] == f"bytes={len(GOOD)}-"


def test_a_part_that_is_longer_than_the_file_starts_again(bring, served, tmp_path):
    with pytest.raises(InputError):
        bring(half(ETAG), attempts=1)
    [part] = [name for name in parts(tmp_path) if name.endswith(".part")]
    (tmp_path / part).write_bytes(GOOD + b"more")
    assert bring(Answer(GOOD, headers=ETAG, ranges=True), attempts=1).read_bytes() == GOOD


def test_a_silent_and_a_dripping_server_end_in_time(bring, served):
    with pytest.raises(InputError, match="timed out"):
        bring(Answer(GOOD, pause=5), attempts=1, timeout=0.3)
    with pytest.raises(InputError, match=r"too slow, \d+ bytes in 0\.3 s"):
        bring(Answer(GOOD, pause=0.02), attempts=1, timeout=0.3)


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_server_that_asks_for_patience_gets_it(bring, served, status):
    assert bring(Answer(b"later", status), Answer(GOOD)).read_bytes() == GOOD


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("a.gz", gzip.compress(PAGE), "a web page, titled 'Sign in"),
        ("a.txt", PAGE, "a web page, titled"),
        ("a.bin", PAGE, "a web page, titled"),
        ("config.json", PAGE, "a web page, titled"),
        ("a.zip", b'{"error": "not found"}', 'not an archive: it begins with \'{"error": "not found"}\''),
        ("a.parquet", GOOD, "not a parquet table"),
        ("model.safetensors", GOOD, "not a safetensors file"),
        ("model.pt", GOOD, "not a checkpoint of torch"),
        ("a.bin", b"", "an empty file"),
    ],
)
def test_nothing_is_pinned_that_is_not_what_its_name_says(bring, tmp_path, name, body, message):
    with pytest.raises(InputError, match=message):
        bring(Answer(body), name=name)
    assert pins(tmp_path) == {} and not (tmp_path / name).exists()
