"""Records of another shape than their writers give them are refused in one line that names the place."""

import json

import pytest

from janus.errors import InputError
from janus.files import parse_json, read_json
from janus.records.shapes import SCORES, TRAINING, read_record


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"scores": {"bleu": {"value": "7", "signature": "s"}}},
            "a.json, scores.bleu.value: '7' is not of type 'number'",
        ),
        ({"scores": {"bleu": {"value": 7}}}, "a.json, scores.bleu: the entry 'signature' is missing"),
        ({}, "a.json: the entry 'scores' is missing; remove it"),
        ([], "a.json: \\[\\] is not of type 'object'"),
        (None, "a.json: None is not of type 'object'"),
    ],
)
def test_a_score_file_of_another_shape_names_the_place(content, said, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=said):
        read_record(tmp_path / "a.json", SCORES, "scores")


def test_entries_that_nobody_needs_may_be_missing_but_not_of_another_type(tmp_path):
    (tmp_path / "a.json").write_text('{"arguments": ["x"], "more": [1]}')
    assert read_record(tmp_path / "a.json", TRAINING, "arguments")["more"] == [1]
    (tmp_path / "a.json").write_text('{"arguments": ["x"], "seed": "1; x"}')
    with pytest.raises(InputError, match="a.json, seed: '1; x' "):
        read_record(tmp_path / "a.json", TRAINING, "arguments")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 5000 + "]" * 5000, "more than 100 levels"),
        ("[" * 101 + "]" * 101, "more than 100 levels"),
        ('{"a": NaN}', "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("1e999", "1e999 is no finite number"),
        ("9" * 5000, "an integer of 5000 characters"),
        ('"\\ud800"', "half of a surrogate pair"),
        ("{]", "Expecting property name"),
    ],
)
def test_json_beyond_what_every_reader_can_use_is_refused(text, said, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=f"a.json.*: not JSON .{said}"):
        read_json(tmp_path / "a.json")


def test_json_within_the_limits_is_read():
    deep = "[" * 99 + "]" * 99
    assert parse_json(f'{{"a": {deep}, "b": {2**63}, "c": "\\ud83d\\ude00", "d": 1e308}}')["c"] == "\U0001f600"
