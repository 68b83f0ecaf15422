"""A corpus of a user's own files."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from markdown_blocks import blocks

from janus.config.tiers import check
from janus.errors import InputError
from janus.fetching.manifest import load_manifest
from janus.files import read_json, read_lines
from janus.recipes.plain import form
from janus.text.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
MANIFEST, SINGLE, TIER = blocks((ROOT / "docs/own-corpus.md").read_text(encoding="utf-8"), "yaml")
TEXT = {
    "de": ["Das ist ein Haus.", "Er sah: „Nichts“.", "Wir gehen heim.", "Sie kam.", "Gut!", "Nein, danke."],
    "en": ["This is a house.", "He saw: “Nothing”.", "We go home.", "She came.", "Good!", "No, thanks."],
}


def corpus_of(folder: Path, *, single: bool = False, **options):
    content = yaml.safe_load(MANIFEST)
    if single:
        content["corpora"]["mine.de-en"] |= yaml.safe_load(SINGLE)
    content["corpora"]["mine.de-en"]["options"] |= options
    (folder / "corpora.yaml").write_text(yaml.safe_dump(content))
    return load_manifest(folder / "corpora.yaml").corpora["mine.de-en"]


def write(folder: Path, **files: list[str]) -> None:
    (folder / "text").mkdir(exist_ok=True)
    for name, lines in files.items():
        (folder / "text" / name.replace("_", ".")).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def made(folder: Path, corpus) -> dict[str, list[str]]:
    prepare(corpus, folder, folder / "out")
    return {f"{p.parent.name}/{p.name}": read_lines(p) for p in sorted((folder / "out").glob("*/*")) if p.is_file()}


def test_files_of_each_split(tmp_path):
    parts = {"train": slice(0, 3), "valid": slice(3, 5), "test": slice(5, 6)}
    write(tmp_path, **{f"{split}_{side}": TEXT[side][part] for split, part in parts.items() for side in TEXT})
    found = made(tmp_path, corpus_of(tmp_path))
    assert found["tok/train.de"] == ["Das ist ein Haus .", "Er sah : &quot; Nichts &quot; .", "Wir gehen heim ."]
    assert found["tok/valid.en"] == ["She came .", "Good !"]
    assert found["tok/test.en"] == ["No , thanks ."] and found["raw/test.en"] == ["No, thanks."]
    record = read_json(tmp_path / "out/corpus.json")
    assert set(record["own files"]) == {f"text/{split}.{side}" for split in parts for side in TEXT}
    assert record["lines"] == {"train": 3, "valid": 2, "test": 1}


def test_one_pair_of_files_gives_its_end(tmp_path):
    write(tmp_path, all_de=TEXT["de"], all_en=TEXT["en"])
    found = made(tmp_path, corpus_of(tmp_path, single=True, valid=1, test=2))
    assert [len(found[f"tok/{split}.de"]) for split in ("train", "valid", "test")] == [3, 1, 2]
    assert found["raw/test.de"] == TEXT["de"][4:] and found["tok/valid.en"] == ["She came ."]


def test_tokens_and_case_are_the_users(tmp_path):
    write(tmp_path, all_de=["Das ist 's .", *TEXT["de"]], all_en=["It 's it .", *TEXT["en"]])
    corpus = replace(corpus_of(tmp_path, single=True, valid=1, test=2, tokenised=True), lowercase=True)
    found = made(tmp_path, corpus)
    assert found["tok/train.en"][0] == "it 's it ." and found["raw/test.en"] == ["good!", "no, thanks."]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"valid": 3, "test": 3}, "6 pairs cannot give 3 for validation, 3 for the test"),
        ({}, {}, "6 pairs cannot give 1,000 for validation"),
        ({"all_en": TEXT["en"][:5]}, {"valid": 1, "test": 1}, "the file ends here"),
        ({"all_en": [*TEXT["en"][:5], " "]}, {"valid": 1, "test": 1}, "empty line"),
    ],
)
def test_what_cannot_be_a_corpus_is_refused(tmp_path, change, options, message):
    write(tmp_path, **{"all_de": TEXT["de"], "all_en": TEXT["en"]} | change)
    with pytest.raises(InputError, match=message):
        made(tmp_path, corpus_of(tmp_path, single=True, **options))


SEPARATED = "a\rb\x0bc\x1cd\x1fe\x85f\u2028g."


@pytest.mark.parametrize("tokenised", [False, True])
def test_other_separators_inside_a_line_are_spaces_in_every_file(tokenised, tmp_path):
    write(tmp_path, **{f"{split}_{side}": [SEPARATED, "Gut."] for split in ("train", "valid", "test") for side in TEXT})
    found = made(tmp_path, corpus_of(tmp_path, tokenised=tokenised))
    expected = "a b c d e f g." if tokenised else "a b c d e f g ."
    assert all(found[f"tok/{split}.{side}"][0] == expected for split in ("train", "valid", "test") for side in TEXT)
    assert found["raw/test.de"][0] == "a b c d e f g."


def test_spaces_that_are_no_separators_reach_the_normaliser(tmp_path):
    corpus = corpus_of(tmp_path)
    assert form("1\u00a0000 kg", "de", corpus) == "1,000 kg"


def test_a_file_whose_lines_end_at_cr_alone_is_refused(tmp_path):
    write(tmp_path, all_de=TEXT["de"], all_en=TEXT["en"])
    (tmp_path / "text/all.en").write_bytes("\r".join(TEXT["en"]).encode())
    with pytest.raises(InputError, match=r"text/all\.en: its lines end at CR alone"):
        made(tmp_path, corpus_of(tmp_path, single=True, valid=1, test=1))


@pytest.mark.parametrize(("files", "message"), [("text/train", "does not contain {language}"), ("", "needs `files`")])
def test_files_are_named_for_both_sides(tmp_path, files, message):
    with pytest.raises(InputError, match=message):
        corpus_of(tmp_path, files=files)


def test_the_tier_of_the_page_is_valid():
    assert check(yaml.safe_load(TIER), ROOT / "workflow/schemas/tier.schema.yaml", where="page")["tier"] == "mine"


def test_files_may_lie_outside_the_folder_of_the_manifest(tmp_path):
    (tmp_path / "mine").mkdir()
    write(tmp_path, **{f"{split}_{side}": TEXT[side] for split in ("train", "valid", "test") for side in TEXT})
    made(tmp_path, corpus_of(tmp_path / "mine", files=f"{tmp_path}/text/{{split}}.{{language}}"))
    assert "../text/train.de" in read_json(tmp_path / "out/corpus.json")["own files"]
