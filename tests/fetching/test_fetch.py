import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler

import pytest
from scripted_server import serving

from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import Download
from janus.fetching.pins import PINS

CONTENT = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT under any name; the first folder of the path says how badly."""

    requests = None

    def do_GET(self):
        how = self.path.split("/")[1]
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        self.requests.append((how, start))
        if how == "missing":
            self.send_error(404)
            return
        if how == "busy" and len(self.requests) == 1:
            self.send_error(503)
            return
        start = 0 if how == "plain" or how == "always-cut" else start
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = how == "always-cut" or (how == "cut" and not start)
        self.wfile.write(body[: len(body) // 2] if cut else body)

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    with serving(Handler) as running:
        yield running


def bring(server, folder, *hows, sha256=DIGEST, **options):
    addresses = tuple(f"{server.base}/{how}/a.bin" for how in hows)
    return fetch(Download("a.bin", "plain/a.bin", addresses, sha256), folder, progress=False, pause=0, **options)


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def rejected(folder):
    return sorted((folder / "rejected").glob("*"))


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith((".part", ".version"))]


def test_a_download_arrives_whole_and_is_kept(server, tmp_path):
    path = bring(server, tmp_path, "plain")
    assert path.read_bytes() == CONTENT
    bring(server, tmp_path, "plain")
    assert server.requests == [("plain", 0)]
    assert visible(tmp_path) == ["a.bin"] and not leftovers(tmp_path)


def test_a_missing_address_is_tried_once_and_the_next_taken(server, tmp_path):
    assert bring(server, tmp_path, "missing", "plain").read_bytes() == CONTENT
    assert server.requests == [("missing", 0), ("plain", 0)]


def test_a_busy_server_is_asked_again(server, tmp_path):
    assert bring(server, tmp_path, "busy").read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_cut_transfer_goes_on_where_it_stopped(server, tmp_path):
    assert bring(server, tmp_path, "cut").read_bytes() == CONTENT
    assert server.requests == [("cut", 0), ("cut", len(CONTENT) // 2)]


def test_a_later_run_resumes_what_an_earlier_one_left(server, tmp_path):
    with pytest.raises(InputError, match="truncated"):
        bring(server, tmp_path, "cut", attempts=1)
    assert visible(tmp_path) == []
    assert bring(server, tmp_path, "cut", attempts=1).read_bytes() == CONTENT


def test_a_truncated_download_is_never_taken(server, tmp_path):
    sizes = f"{len(CONTENT) // 2:,} of {len(CONTENT):,} bytes"
    with pytest.raises(InputError, match=f"truncated, {sizes}.*mirror") as caught:
        bring(server, tmp_path, "always-cut")
    assert "a.bin" in str(caught.value) and visible(tmp_path) == []
    assert len(server.requests) == 3


def test_a_resume_never_joins_files_of_two_servers(server, tmp_path):
    assert bring(server, tmp_path, "always-cut", "cut").read_bytes() == CONTENT
    assert server.requests[3] == ("cut", 0)


def test_a_wrong_checksum_stops_and_sets_the_file_aside(server, tmp_path):
    with pytest.raises(InputError, match=f"checksum differs: sha256 is {DIGEST}, the manifest says {'0' * 64}"):
        bring(server, tmp_path, "plain", sha256="0" * 64)
    assert visible(tmp_path) == ["rejected"] and not leftovers(tmp_path)


def test_a_spoilt_file_is_found_set_aside_and_fetched_again(server, tmp_path, capsys):
    path = bring(server, tmp_path, "plain")
    path.write_bytes(CONTENT[:-1])
    assert bring(server, tmp_path, "plain").read_bytes() == CONTENT
    assert [aside.read_bytes() for aside in rejected(tmp_path)] == [CONTENT[:-1]]
    assert "a.bin: checksum differs" in capsys.readouterr().err
    path.write_bytes(b"spoilt")
    with pytest.raises(InputError, match="what lay there: checksum differs: .*missing/a.bin: HTTP 404"):
        bring(server, tmp_path, "missing")


def test_without_a_checksum_the_first_file_is_pinned(server, tmp_path):
    path = bring(server, tmp_path, "plain", sha256=None)
    assert json.loads((tmp_path / PINS).read_text()) == {"a.bin": DIGEST}
    path.write_bytes(b"other")
    assert bring(server, tmp_path, "plain", sha256=None).read_bytes() == CONTENT
    assert json.loads((tmp_path / PINS).read_text()) == {"a.bin": DIGEST}


def test_a_mirror_replaces_every_address(server, tmp_path):
    download = Download("a.bin", "plain/deep/a.bin", ("https://nowhere.invalid/a.bin",), DIGEST)
    assert fetch(download, tmp_path / "http", mirror=server.base + "/", progress=False).read_bytes() == CONTENT
    (tmp_path / "mirror" / "plain" / "deep").mkdir(parents=True)
    (tmp_path / "mirror" / "plain" / "deep" / "a.bin").write_bytes(CONTENT)
    assert fetch(download, tmp_path / "local", mirror=str(tmp_path / "mirror"), progress=False).read_bytes() == CONTENT


def test_a_mirror_that_lacks_the_file_is_an_error_and_no_detour(server, tmp_path):
    download = Download("a.bin", "gone/a.bin", (f"{server.base}/plain/a.bin",), DIGEST)
    with pytest.raises(InputError, match="no address returned the whole file"):
        fetch(download, tmp_path / "out", mirror=str(tmp_path), progress=False)
    assert server.requests == []


def test_a_full_disk_is_named(server, tmp_path):
    address = f"{server.base}/plain/a.bin"
    part = tmp_path / f".a.bin.{hashlib.sha256(address.encode()).hexdigest()[:8]}.part"
    part.symlink_to("/dev/full")
    with pytest.raises(InputError, match="No space left on device.*free space"):
        bring(server, tmp_path, "plain")
    assert visible(tmp_path) == [] and not leftovers(tmp_path)
