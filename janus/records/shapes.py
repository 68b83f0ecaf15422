"""The records that the workflow writes as JSON beside its products, read with a check of the entries that are used.

A record may be cut, edited or another program's; what reads it says so in one line instead of failing somewhere inside.
A shape gives the types of entries, by name; what reads a record says which of them it needs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import read_json

# JSON schemas of entries by name.
Shape = Mapping[str, Mapping[str, Any]]

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer"}
# Both name files.
_LANGUAGE = {"type": "string", "pattern": "^[a-z]{2,3}$"}
_SPEED = {"type": "number", "exclusiveMinimum": 0}


def _map(shape: Mapping[str, Any]) -> dict[str, Any]:
    """From any names to values of a schema."""
    return {"type": "object", "additionalProperties": shape}


def _list(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": shape}


def _or_none(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {**shape, "type": [shape["type"], "null"]}


def _holding(shape: Shape, *needed: str) -> dict[str, Any]:
    return {"type": "object", "properties": shape, "required": list(needed)}


_ORIGIN: Shape = {"revision": _TEXT, "device": _TEXT, "versions": _map(_TEXT)}
_TIME = _holding(dict.fromkeys(("median", "low", "high"), _SPEED), "median")
_RATE = {**_TIME, "required": ["median", "low", "high"]}
_TEXTS = dict.fromkeys(("words", "vocabulary"), _COUNT) | dict.fromkeys(("by_word", "by_token", "divergence"), _NUMBER)
_RAW = [name for name in _TEXTS if name != "divergence"]
_TEACHER = _holding(
    {"of": _TEXT, "teacher": _TEXT, "settings": _holding({"beam": _COUNT}, "beam")}, "of", "teacher", "settings"
)

# Of janus.metrics: the scores of a decoded file, its vital signs, the tests of two files, the complexity of two texts.
SCORES: Shape = {
    "scores": _map(_holding({"value": _NUMBER, "signature": _TEXT}, "value", "signature")),
    "provenance": _holding(_ORIGIN),
}
SIGNS: Shape = {
    "signs": _map(_or_none(_NUMBER)),
    "degenerate": _list(_TEXT),
    "expected": _or_none(_TEXT),
}
TESTS: Shape = dict.fromkeys(("delta", "p_bootstrap", "p_randomisation"), _NUMBER)
COMPLEXITY: Shape = {
    "texts": {
        **_holding({"raw": _holding(_TEXTS, *_RAW), "distilled": _holding(_TEXTS, *_TEXTS)}, "raw", "distilled"),
        "additionalProperties": False,
    },
    "provenance": _holding({"corpus": _TEXT, "pairs": _COUNT, "distilled": _TEACHER}, "corpus", "pairs", "distilled"),
}
# Of janus.decoding: speeds, and how a file was decoded.
SPEEDS: Shape = {
    "rows": _list(
        _holding(
            {
                "manner": _TEXT,
                "passes": _or_none(_COUNT),
                "batch_size": _COUNT,
                "sentences_per_second": _RATE,
                "milliseconds_per_sentence": _TIME,
            },
            "manner",
            "batch_size",
        )
    ),
    **dict.fromkeys(("repeats", "sentences", "warmup", "threads"), _COUNT),
    "device": _TEXT,
}
DECODED: Shape = {
    **_ORIGIN,
    "checkpoint": _TEXT,
    "source": _TEXT,
    "settings": {"type": "object"},
    "passes_taken": _holding({"mean": _NUMBER}, "mean"),
}
# Of the scripts: a training, and the average of its checkpoints, once a list of their names.
TRAINING: Shape = {
    **_ORIGIN,
    "corpus": _TEXT,
    "system": _TEXT,
    "seed": {"type": ["string", "integer"], "pattern": r"^\d{1,18}$"},
    "arguments": _list(_TEXT),
    "data": _map(_TEXT),
    "wall_seconds": _NUMBER,
    "energy_joules": _map(_NUMBER),
    "parameters": _or_none(_COUNT),
}
AVERAGE: Shape = {"checkpoints": {"anyOf": [_map(_TEXT), _list(_TEXT)]}, "sha256": _TEXT}
# Of a checkpoint or outputs that a user gave.
GIVEN: Shape = {
    "given": _holding(dict.fromkeys(("kind", "file", "sha256"), _TEXT), "kind", "file", "sha256"),
    "parameters": _or_none(_COUNT),
}
# What identifies a training; an old one may lack any of it.
IDENTITY: Shape = {"arguments": _list(_TEXT)}
# Of janus.text: prepared corpora, vocabularies, parts of running text.
CORPUS: Shape = {
    "corpus": _TEXT,
    "source": _LANGUAGE,
    "target": _LANGUAGE,
    "recipe": _TEXT,
    "licence": _TEXT,
    "lowercase": {"type": "boolean"},
    "options": _holding(dict.fromkeys(("longest_source", "longest_target"), _or_none({**_COUNT, "minimum": 1}))),
    "sha256": _map(_TEXT),
    "distilled": {"type": "object"},
}
# How the texts of a corpus with a shared vocabulary were cut.
TRUNCATION: Shape = {"vocabulary": _holding({"vocabulary": _TEXT}, "vocabulary")}
VOCABULARY: Shape = {"kind": _TEXT, "vocabulary": _TEXT, "sha256": _map(_TEXT)}
PART: Shape = {
    "settings": {"type": "object"},
    "origin": _map(_TEXT),
    "cleaning": _holding({"kept": _map(_COUNT)}, "kept"),
    "sha256": _map(_TEXT),
}


def read_record(path: Path, shape: Shape, *needed: str, fix: str = "remove it and make it again") -> dict[str, Any]:
    """The record in a JSON file, with the entries `needed`. Raises InputError, with the place, for another shape."""
    return read_checked(path, _holding(shape, *needed), fix=fix)


def read_checksums(path: Path, *, fix: str) -> dict[str, str]:
    """A JSON file of checksums by file name. Raises InputError for another shape."""
    return read_checked(path, _map(_TEXT), fix=fix)


def read_checked(path: Path, rules: Mapping[str, Any], *, fix: str) -> Any:
    """The value in a JSON file that a JSON schema allows. Raises InputError otherwise."""
    # Importing jsonschema takes a moment, which a job that reads no record need not spend.
    from janus.config.yaml_file import refusals

    value = read_json(path)
    for error in refusals(value, rules):
        place = ".".join(map(str, error.absolute_path))
        raise InputError(_said(error), where=f"{path}, {place}" if place else path, fix=fix)
    return value


def _said(error: Any) -> str:
    from janus.config.yaml_file import complaint

    if error.validator == "required":
        return f"the entry {next(name for name in error.validator_value if name not in error.instance)!r} is missing"
    return complaint(error)
