import importlib.util
import itertools
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from scripted_server import serving

from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import Download, Text
from janus.files import iter_lines, read_json, read_lines, sha256, write_json, write_lines
from janus.text import documents
from janus.text.documents import runs
from janus.text.pretraining_text import (
    Scrubber,
    file_names,
    gather,
    prepare_download,
    prepare_part,
    prepare_sides,
)

NAMES = ("a.txt", "b.txt", "c.txt")
TEXT = Text(
    name="t",
    recipe="documents",
    licence="free",
    lowercase=False,
    vocabulary="v",
    block=8,
    shards=3,
    valid_every=10,
    downloads=tuple(Download(name, f"x/{name}", (f"https://nowhere.invalid/{name}",)) for name in NAMES),
)


def content(name, documents=100):
    return "".join(f"Document {i} of {name} has words.\nIts second line has some too.\n\n" for i in range(documents))


@pytest.fixture
def downloads(tmp_path):
    for name in NAMES:
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / name).write_text(content(name))
    return tmp_path / "d"


def prepare(text, downloads, out):
    assert text.parts == list(NAMES)
    for name in NAMES:
        prepare_part(text, name, out / "parts" / name, downloads=downloads, progress=False)
    gather(text, [out / "parts" / name for name in NAMES], out / "text")


def digests(folder):
    return {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*.txt")) if path.is_file()}


def documents_of(*paths):
    return [document for path in paths for document in runs(iter_lines(path))]


def files_of(folder, name):
    return [folder / "parts" / part / name for part in NAMES]


def test_every_document_comes_once_and_whole(tmp_path, downloads):
    prepare(TEXT, downloads, tmp_path)
    found = [document for name in file_names(TEXT) for document in documents_of(*files_of(tmp_path, name))]
    expected = [document for name in NAMES for document in documents_of(downloads / name)]
    assert sorted(found) == sorted(expected) and len(found) == 300
    assert len(documents_of(*files_of(tmp_path, "valid.txt"))) == 30
    sizes = [len(documents_of(*files_of(tmp_path, name))) for name in file_names(TEXT)[:-1]]
    assert max(sizes) - min(sizes) <= 6


def test_the_facts_tell_where_text_comes_from_and_what_was_removed(tmp_path, downloads):
    (downloads / "a.txt").write_text("See also\n\n" + content("a.txt"))
    prepare(TEXT, downloads, tmp_path)
    facts = read_json(tmp_path / "text" / "text.json")
    assert facts["origin"] == {name: sha256(downloads / name) for name in NAMES}
    assert facts["kept"]["documents"] == 300 and facts["kept"]["paragraphs"] == 600
    for part in NAMES:
        files = {name: sha256(tmp_path / "parts" / part / name) for name in file_names(TEXT)}
        assert facts["sha256"][part] == files
    removed = read_json(tmp_path / "text" / "cleaning.json")["a.txt"]["removed"]
    assert removed == {"document without text": 1, "too short": 1}


@pytest.mark.parametrize(
    ("paragraph", "reason"),
    [
        ("", "empty"),
        (" \u200b\x07 ", "empty"),
        ("External links", "too short"),
        ("12 34 56 78 : | 90", "few letters"),
        ("see this " + "x" * 101 + " word now", "word too long"),
        ("A sentence that stays here.", "repeated"),
    ],
)
def test_what_is_no_running_text_is_removed_and_counted(paragraph, reason):
    scrub = Scrubber()
    sentence = "A sentence that stays here."
    assert list(scrub([[sentence, paragraph]])) == [[sentence]]
    assert scrub.report()["removed"] == {reason: 1}


def test_text_is_tidied_and_lowercased_where_asked():
    assert list(Scrubber(lower=True)([["  Some\u00a0words\tare\x0bHERE  now. "]])) == [["some words are here now."]]
    assert list(Scrubber(exact=True)([["Ok", "", "Ok"]])) == [["Ok", "Ok"]]


def test_a_whole_part_is_kept_and_one_of_other_input_is_not(tmp_path, downloads):
    part = tmp_path / "part"
    prepare_download(TEXT, "a.txt", downloads, part, progress=False)
    first = (part / "part.json").stat().st_mtime_ns
    prepare_download(TEXT, "a.txt", downloads, part, progress=False)
    assert (part / "part.json").stat().st_mtime_ns == first
    prepare_download(replace(TEXT, lowercase=True), "a.txt", downloads, part, progress=False)
    assert read_lines(part / "valid.txt")[0] == "document 9 of a.txt has words."
    prepare_download(TEXT, "a.txt", downloads, part, progress=False)
    facts = read_json(part / "part.json")
    write_json(part / "part.json", facts | {"settings": facts["settings"] | {"code": ["of an older version"]}})
    prepare_download(TEXT, "a.txt", downloads, part, progress=False)
    assert read_json(part / "part.json")["settings"] == facts["settings"]
    (downloads / "a.txt").write_text(content("new"))
    prepare_download(TEXT, "a.txt", downloads, part, progress=False)
    assert read_lines(part / "valid.txt")[0] == "Document 9 of new has words."


def test_an_interrupted_run_goes_on_and_ends_the_same(tmp_path, downloads, monkeypatch):
    prepare(TEXT, downloads, tmp_path / "whole")
    read, calls = documents.read_documents, []

    def interrupted(path):
        calls.append(path.name)
        for number, document in enumerate(read(path)):
            if path.name == "b.txt" and number == 50 and calls.count("b.txt") == 1:
                raise KeyboardInterrupt
            yield document

    monkeypatch.setattr(documents, "read_documents", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(TEXT, downloads, tmp_path / "cut")
    assert not list((tmp_path / "cut" / "parts" / "b.txt").iterdir())
    prepare(TEXT, downloads, tmp_path / "cut")
    assert calls == ["a.txt", "b.txt", "b.txt", "c.txt"]
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")


class Handler(BaseHTTPRequestHandler):
    """Serves the downloads; the first answer for each breaks off in the middle."""

    requests = None

    def do_GET(self):
        name = self.path.split("/")[-1]
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        self.requests.append((name, start))
        whole = content(name, 3_000).encode()
        body = whole[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"one"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if start else body[: len(body) // 2])

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    with serving(Handler) as running:
        yield running


JOB = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_pretraining_text import NAMES, TEXT, fetch, prepare
folder = Path({folder!r})
for download in TEXT.downloads:
    fetch(download, folder / "d", mirror={base!r}, progress=False, pause=0)
prepare(TEXT, folder / "d", folder)
"""


@pytest.mark.slow
def test_a_killed_job_goes_on_from_a_real_server_and_ends_the_same(tmp_path, server):
    for download in TEXT.downloads:
        fetch(download, tmp_path / "whole" / "d", mirror=server.base, progress=False, pause=0)
    prepare(TEXT, tmp_path / "whole" / "d", tmp_path / "whole")
    paths = [str(parent) for parent in Path(__file__).parents[:3]]
    folder = tmp_path / "killed"
    job = [sys.executable, "-c", JOB.format(paths=paths, folder=str(folder), base=server.base)]
    first = subprocess.Popen(job)
    while first.poll() is None and not (folder / "parts" / "a.txt" / "part.json").exists():
        time.sleep(0.001)
    first.send_signal(signal.SIGKILL)
    first.wait()
    whole = folder / "parts" / "a.txt" / "part.json"
    written, asked = whole.stat().st_mtime_ns, len(server.requests)
    subprocess.run(job, check=True)
    assert whole.stat().st_mtime_ns == written and len(server.requests) == asked
    assert digests(folder) == digests(tmp_path / "whole")
    assert {start > 0 for _, start in server.requests} == {True, False}


def test_bad_parts_and_texts_are_one_clear_line(tmp_path, downloads):
    with pytest.raises(InputError, match=r"z\.txt: download is missing"):
        prepare_download(TEXT, "z.txt", downloads, tmp_path / "part", progress=False)
    (downloads / "a.txt").write_text("Too short\n")
    with pytest.raises(InputError, match=r"a\.txt: no text is left after cleaning"):
        prepare_download(TEXT, "a.txt", downloads, tmp_path / "part", progress=False)
    with pytest.raises(InputError, match=r"part\.json: cannot be read"):
        gather(TEXT, [tmp_path / "part"], tmp_path / "out")
    prepare_download(replace(TEXT, valid_every=1000), "b.txt", downloads, tmp_path / "b", progress=False)
    with pytest.raises(InputError, match=r"no document for valid\.txt; lower `shards` or `valid_every`"):
        gather(replace(TEXT, valid_every=1000), [tmp_path / "b"], tmp_path / "out")
    assert not (tmp_path / "out" / "text.json").exists()


@pytest.fixture
def corpora(tmp_path):
    """Two prepared corpora, one with a repeated section, one with overlapping histories."""
    sides = {
        "qg": (["sun [SEP] the sun set .", "it [SEP] the sun set ."], ["who set ?", "what ?"]),
        "chat": (["hi", "hi [SEP] hello", "hi [SEP] hello [SEP] fine ?"], ["hello", "fine ?", "yes ."]),
    }
    for name, (source, target) in sides.items():
        folder = tmp_path / name
        write_lines(folder / "tok" / "train.src", source)
        write_lines(folder / "tok" / "train.tgt", target)
        write_lines(folder / "tok" / "test.src", ["a secret source"])
        files = {f"tok/train.{side}": sha256(folder / "tok" / f"train.{side}") for side in ("src", "tgt")}
        write_json(folder / "corpus.json", {"corpus": name, "source": "src", "target": "tgt", "sha256": files})
    return [tmp_path / name for name in sides]


def test_training_sides_come_once_and_in_order(tmp_path, corpora):
    text = replace(TEXT, recipe="sides", shards=1, valid_every=100)
    assert replace(text, downloads=()).parts == ["sides"]
    prepare_part(text, "sides", tmp_path / "part", corpora=corpora, progress=False)
    documents = documents_of(tmp_path / "part" / "train-000.txt")
    assert documents == [
        ["sun", "the sun set .", "who set ?"],
        ["it", "what ?"],
        ["hi", "hello"],
        ["fine ?"],
        ["yes ."],
    ]
    origin = read_json(tmp_path / "part" / "part.json")["origin"]
    assert origin["qg/source"] == sha256(corpora[0] / "tok" / "train.src") and len(origin) == 4


def test_no_test_text_is_pretrained_on(tmp_path, corpora):
    prepare_sides(replace(TEXT, shards=1), corpora, tmp_path / "part", progress=False)
    lines = itertools.chain.from_iterable(read_lines(path) for path in (tmp_path / "part").glob("*.txt"))
    assert not any("secret" in line for line in lines)


def test_demo_text_is_the_same_for_the_same_seed(tmp_path):
    text = replace(TEXT, recipe="demo_text", downloads=(), options={"documents": 200, "vocabulary": 0.5})
    for folder, seed in (("one", 1), ("two", 1), ("three", 2)):
        prepare_part(text, "demo_text", tmp_path / folder, seed=seed, progress=False)
    one, two, three = (digests(tmp_path / folder) for folder in ("one", "two", "three"))
    assert one == two and not set(one.values()) & set(three.values())
    gather(text, [tmp_path / "one"], tmp_path / "text")
    assert read_json(tmp_path / "text" / "text.json")["kept"]["documents"] == 200


@pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None,
    reason="pyarrow, of the extra `parquet`, is not installed: pip install -r requirements-parquet.lock",
)
def test_a_parquet_download_becomes_a_part_as_wikipedias_do(tmp_path):
    """Fetched, opened and read wholly: several row groups of articles, one without text."""
    import pyarrow
    import pyarrow.parquet

    texts = [f"Article {i}, whose lede has words.\n\nIts second paragraph has some too." for i in range(300)]
    rows = {"id": list(map(str, range(301))), "url": ["u"] * 301, "title": ["t"] * 301, "text": [*texts, None]}
    (tmp_path / "mirror/w").mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.table(rows), tmp_path / "mirror/w/a.parquet", row_group_size=64)
    download = Download("a.parquet", "w/a.parquet", (), sha256=sha256(tmp_path / "mirror/w/a.parquet"))
    text = replace(TEXT, downloads=(download,))
    fetch(download, tmp_path / "d", mirror=str(tmp_path / "mirror"), progress=False)
    prepare_part(text, "a.parquet", tmp_path / "part", downloads=tmp_path / "d", progress=False)
    found = [document for name in file_names(TEXT) for document in documents_of(tmp_path / "part" / name)]
    assert sorted(found) == sorted([line for line in article.split("\n") if line] for article in texts)
    facts = read_json(tmp_path / "part/part.json")
    assert facts["origin"] == {"a.parquet": download.sha256} and "pyarrow" in facts["versions"]
