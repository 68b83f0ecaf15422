import io
import tarfile

import pytest

from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.text.prepare import prepare

NAMES = ("glge_public.tar", "glge_hidden_v1.1.tar.gz")
OPTIONS = {"task": "squadqg", "longest_source": 510}
FILES = {
    "train.src": "craig venter [SEP] craig  venter , the co - discoverer .\n\nrome [SEP] it is in rome .\n",
    "train.tgt": "who is the co - discoverer ?\nwho ?\nwhere is it ?\n",
    "dev.src": "a [SEP] a b .\n",
    "dev.tgt": "what ?\n",
    "test.src": "c [SEP] c d .\n",
}


@pytest.fixture
def archives(tmp_path):
    """A function that writes GLGE's two archives, all members below a root, and returns their folder."""

    def write(root="data/", changes=None, hidden="test.tgt"):
        for name, files in zip(NAMES, (FILES | (changes or {}), {hidden: "why ?\n"})):
            with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as archive:
                for file, text in files.items():
                    if text is None:
                        continue
                    for task in ("squadqg", "xsum"):
                        member = tarfile.TarInfo(f"{root}easy/{task}_data/org_data/{file}")
                        content = (text if task == "squadqg" else "other\n").encode()
                        member.size = len(content)
                        archive.addfile(member, io.BytesIO(content))
        return tmp_path

    return write


@pytest.fixture
def glge(corpus_entry):
    return lambda **options: corpus_entry("glge", NAMES, source="src", target="tgt", options=OPTIONS | options)


@pytest.mark.parametrize("root", ["data/", "", "./glge/data/"])
def test_the_tasks_files_become_the_splits(archives, glge, root):
    folder = archives(root)
    prepare(glge(), folder, folder / "out")
    tok = folder / "out" / "tok"
    assert read_lines(tok / "train.src") == [
        "craig venter [SEP] craig venter , the co - discoverer .",
        "rome [SEP] it is in rome .",
    ]
    assert read_lines(tok / "train.tgt") == ["who is the co - discoverer ?", "where is it ?"]
    assert read_lines(tok / "valid.tgt") == ["what ?"]
    assert read_lines(tok / "test.tgt") == read_lines(folder / "out" / "raw" / "test.tgt") == ["why ?"]
    assert read_json(folder / "out" / "cleaning.json") == {"train": {"kept": 2, "removed": {"empty source": 1}}}


@pytest.mark.parametrize(
    ("changes", "hidden", "message"),
    [
        ({"dev.tgt": None}, "test.tgt", r"glge_public\.tar: lacks easy/squadqg_data/org_data/dev\.tgt"),
        ({}, "labels", r"glge_hidden_v1\.1\.tar\.gz: lacks easy/squadqg_data/org_data/test\.tgt"),
        ({"dev.tgt": "a ?\nb ?\n"}, "test.tgt", r"dev\.src:2: the file ends here.*dev\.tgt goes on"),
        ({"dev.tgt": "\n"}, "test.tgt", r"dev\.tgt:1: empty line"),
        ({"test.src": " \n"}, "test.tgt", r"test\.src:1: empty line"),
    ],
)
def test_bad_archives_are_one_clear_line_and_leave_no_corpus(archives, glge, changes, hidden, message):
    folder = archives(changes=changes, hidden=hidden)
    with pytest.raises(InputError, match=message):
        prepare(glge(), folder, folder / "out")
    assert list((folder / "out").rglob("*.*")) == []


def test_a_member_that_leads_out_of_the_folder_is_refused(archives, glge):
    folder = archives("../../data/")
    with pytest.raises(InputError, match="leads out of the folder"):
        prepare(glge(), folder, folder / "out")
    assert not (folder.parent / "data").exists()


def test_a_page_instead_of_an_archive_is_refused(archives, glge):
    folder = archives()
    (folder / NAMES[0]).write_text("<html>Quota exceeded</html>")
    with pytest.raises(InputError, match=r"glge_public\.tar: damaged archive.*fetch it again"):
        prepare(glge(), folder, folder / "out")


def test_a_task_must_be_named(archives, corpus_entry):
    folder = archives()
    with pytest.raises(InputError, match="no `task`"):
        prepare(corpus_entry("glge", NAMES, source="src", target="tgt"), folder, folder / "out")
