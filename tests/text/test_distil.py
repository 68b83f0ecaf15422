"""A distilled corpus: what it shares with the raw one, and what it refuses."""

import pytest

from janus.errors import InputError
from janus.files import read_json, read_lines, sha256, write_json, write_lines
from janus.text.distil import distil

TEXT = {"train": ["a b", "c d", "e"], "valid": ["f"], "test": ["g h"]}


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw-corpus"
    for split, lines in TEXT.items():
        for side in ("de", "en"):
            for kind in ("tok", "bpe"):
                write_lines(folder / kind / f"{split}.{side}", [f"{line} {side}" for line in lines])
    for side in ("de", "en"):
        write_lines(folder / "raw" / f"test.{side}", ["G h"])
    write_lines(folder / "bpe" / "codes", ["#version: 0.2"])
    facts = {"corpus": "mine.de-en", "recipe": "plain", "source": "de", "target": "en", "lowercase": True}
    more = {"licence": "own", "options": {}, "lines": {split: len(text) for split, text in TEXT.items()}, "sha256": {}}
    write_json(folder / "corpus.json", facts | more)
    return folder


@pytest.fixture
def parts(tmp_path, raw):
    found = []
    for number, lines in enumerate([["A B@@ b", "C D"], ["e en"]]):
        path = tmp_path / "parts" / f"{number}.bpe"
        write_lines(path, lines)
        record = {"source": sha256(raw / "bpe/train.de"), "checkpoint": "123", "settings": {"beam": 5}}
        write_json(path.with_name(f"{path.name}.json"), record)
        found.append(path)
    return found


def made(tmp_path, raw, parts):
    distil(raw, parts, tmp_path / "kd", corpus="mine.de-en+kd", teacher={"teacher": "transformer", "seed": 1})
    return tmp_path / "kd"


def test_only_the_training_targets_change(tmp_path, raw, parts):
    out = made(tmp_path, raw, parts)
    assert read_lines(out / "bpe/train.en") == ["A B@@ b", "C D", "e en"]
    assert read_lines(out / "tok/train.en") == ["A Bb", "C D", "e en"]
    for path in raw.rglob("*"):
        name = path.relative_to(raw)
        if path.is_file() and path.name not in ("train.en", "corpus.json"):
            assert (out / name).read_bytes() == path.read_bytes(), name


def test_the_record_names_teacher_checkpoint_and_beam(tmp_path, raw, parts):
    record = read_json(made(tmp_path, raw, parts) / "corpus.json")
    assert record["corpus"] == "mine.de-en+kd" and record["lines"] == {"train": 3, "valid": 1, "test": 1}
    expected = {"of": "mine.de-en", "teacher": "transformer", "seed": 1, "checkpoint": "123", "settings": {"beam": 5}}
    assert record["distilled"] == expected | {"pairs": 3, "unchanged": 1, "empty": 0}
    assert record["sha256"]["tok/train.en"] == sha256(tmp_path / "kd/tok/train.en")


@pytest.mark.parametrize("changes", [{"checkpoint": "456"}, {"settings": {"beam": 4}}, {"source": "other"}])
def test_parts_of_another_teacher_or_text_are_refused(tmp_path, raw, parts, changes):
    path = parts[1].with_name("1.bpe.json")
    write_json(path, read_json(path) | changes)
    with pytest.raises(InputError, match="1.bpe: translates another text, or is another teacher's"):
        made(tmp_path, raw, parts)


def test_a_missing_part_is_refused(tmp_path, raw, parts):
    with pytest.raises(InputError, match="has not as many lines as the raw targets"):
        made(tmp_path, raw, parts[:1])
