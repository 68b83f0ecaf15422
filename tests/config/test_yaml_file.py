"""YAML as users write it: numbers by what the schema wants, one line for a file that cannot be read."""

from pathlib import Path

import pytest
import yaml

from janus.config.tiers import check
from janus.config.yaml_file import read_yaml, typed
from janus.errors import InputError
from janus.fetching.manifest import load_manifest

ROOT = Path(__file__).resolve().parents[2]
TIER = ROOT / "workflow/schemas/tier.schema.yaml"


def checked(**training: object) -> dict[str, object]:
    config = read_yaml(ROOT / "config/small-cpu.yaml")
    config["training"] |= training
    return check(config, TIER, where="here")["training"]


@pytest.mark.parametrize("written", ["5e-4", "5E-4", "5.e-4", "0.5e-3", "+5e-4", ".5e-3", "0.0005", "5.0e-4"])
def test_a_learning_rate_is_a_number_however_it_is_written(written: str) -> None:
    assert checked(**yaml.safe_load(f"lr: {written}"))["lr"] == 0.0005


@pytest.mark.parametrize("written", ["1e5", "1.0e+5", "100000", "100000.0", "'100000'"])
def test_a_count_is_an_integer_however_it_is_written(written: str) -> None:
    value = checked(**yaml.safe_load(f"max_update: {written}"))["max_update"]
    assert value == 100000 and type(value) is int


def test_what_snakemake_reads_from_the_command_line_is_typed() -> None:
    # It takes all that lies inside a value for text.
    read = yaml.load("{lr: 1e-3, max_update: 7, keep_best: true, precision: float32}", yaml.BaseLoader)
    assert set(map(type, read.values())) == {str}
    rules = {
        "properties": {"lr": {"type": "number"}, "max_update": {"type": "integer"}, "keep_best": {"type": "boolean"}}
    }
    assert typed(read, rules) == {"lr": 0.001, "max_update": 7, "keep_best": True, "precision": "float32"}


def test_text_stays_text_where_the_schema_wants_it() -> None:
    rules = {
        "$defs": {"name": {"type": "string"}, "either": {"type": ["number", "string"]}},
        "properties": {"label": {"$ref": "#/$defs/name"}, "both": {"$ref": "#/$defs/either"}},
        "patternProperties": {"^n": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}]}},
        "additionalProperties": {"type": "number"},
    }
    value = {"label": "1e5", "both": "1e5", "n1": ["1", "x"], "other": "nan", "last": "1_000"}
    assert typed(value, rules) == {"label": "1e5", "both": "1e5", "n1": [1, "x"], "other": "nan", "last": "1_000"}


def test_what_is_no_number_is_refused_by_its_key() -> None:
    with pytest.raises(InputError, match="here: training.lr: '5e-4x' is not of type 'number'"):
        checked(lr="5e-4x")


def test_the_manifest_reads_the_same_numbers(tmp_path: Path) -> None:
    text = (ROOT / "config/corpora.yaml").read_text(encoding="utf-8")
    name, corpus = next(
        (name, one) for name, one in load_manifest(ROOT / "config/corpora.yaml").corpora.items() if one.merges
    )
    entry = f"  {name}:\n"
    head, tail = text[: text.index(entry)], text[text.index(entry) :]
    changed = tail.replace(f"merges: {corpus.merges}", "merges: 3e3", 1)
    assert changed != tail
    (tmp_path / "corpora.yaml").write_text(head + changed, encoding="utf-8")
    merges = load_manifest(tmp_path / "corpora.yaml").corpora[name].merges
    assert merges == 3000 and type(merges) is int


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "x.yaml") == {"a": 1}


REPEATED = """\
training:
  lr: 1
  dropout: 0
  lr: 2
seeds: [1]
"training": {}
"""


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_keys_that_stand_twice_are_all_named_with_their_lines(mark: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(mark + REPEATED, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path / "x.yaml")
    assert sorted(str(caught.value).splitlines()) == [
        f"{tmp_path}/x.yaml:4: duplicate key 'lr'; remove one of the two",
        f"{tmp_path}/x.yaml:6: duplicate key 'training'; remove one of the two",
    ]


def test_a_merge_may_lay_keys_over_those_of_its_anchor(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\nc: [*a, *a]\n", encoding="utf-8")
    content = read_yaml(tmp_path / "x.yaml")
    assert content["b"] == {"x": 3, "y": 2} and content["c"] == [content["a"]] * 2


@pytest.mark.parametrize("text", ["a: &a {b: *a}\n", "a: &a [1, *a]\n", "&a {x: {y: [*a]}}\n"])
def test_a_value_that_holds_itself_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="x.yaml:1: not YAML .a value contains itself, through an alias"):
        read_yaml(tmp_path / "x.yaml")


@pytest.mark.parametrize(("written", "read"), [("1:30", 90), ("1:30.5", 90.5), ("-010", -8), ("0x10", 16), ("0b11", 3)])
def test_a_number_that_yaml_reads_otherwise_is_refused_with_its_line(written: str, read: float, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"a: [1_000, 0, 0.5, 1.0e-3, '1:30', 12, -7]\nhours: {written}\n")
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path / "a.yaml")
    assert str(caught.value) == f"{tmp_path}/a.yaml:2: {written} is read as {read}; write it in base 10"


TAGS = [
    "!!python/object/apply:os.system ['touch pwned']",
    "!!python/object/new:os.system ['touch pwned']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!binary aGk=",
    "!!set {a, b}",
    "!!timestamp 2001-01-01",
    "!own x",
]


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_that_makes_an_object_is_refused_and_makes_none(
    tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(f"a: 1\nb: {tag}\n", encoding="utf-8")
    with pytest.raises(InputError, match="x.yaml:2: not YAML .could not determine a constructor for the tag"):
        read_yaml(tmp_path / "x.yaml")
    assert not (tmp_path / "pwned").exists()


def test_a_date_is_text_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 2001-01-01\n", encoding="utf-8")
    assert read_yaml(tmp_path / "x.yaml") == {"a": "2001-01-01"}


def grown(kind: str) -> str:
    """A file of a kilobyte that stands for 9^30 values, by aliases or by merged maps."""
    inside = "[{}]" if kind == "aliases" else "{{<<: [{}]}}"
    lines = ["a0: &a0 [x]" if kind == "aliases" else "a0: &a0 {x: 1}"]
    for level in range(1, 30):
        lines.append(f"a{level}: &a{level} " + inside.format(", ".join([f"*a{level - 1}"] * 9)))
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["aliases", "merges"])
def test_a_file_that_grows_by_its_aliases_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(grown(kind), encoding="utf-8")
    with pytest.raises(InputError, match=r"x.yaml:\d+: not YAML .more than 100,000 values, with its aliases replaced"):
        read_yaml(tmp_path / "x.yaml")


@pytest.mark.parametrize("depth", [101, 400, 5_000])
def test_a_file_that_is_too_deep_is_refused(depth: int, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: " + "[" * depth + "]" * depth, encoding="utf-8")
    with pytest.raises(InputError, match="x.yaml.*: not YAML .more than 100 levels"):
        read_yaml(tmp_path / "x.yaml")


@pytest.mark.parametrize("written", ["!!int ''", "!!bool 3", "!!float x", "9" * 30])
def test_a_value_that_does_not_belong_to_its_tag_names_the_line(written: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"a: 1\nb: {written}\n", encoding="utf-8")
    with pytest.raises(InputError, match="x.yaml:2: not YAML .'.*' is no (int|bool|float)"):
        read_yaml(tmp_path / "x.yaml")


@pytest.mark.parametrize("key", ["7", "on", "null", '"a\\nb"', "1.5"])
def test_a_key_that_is_no_line_of_text_is_refused(key: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"a: 1\n{key}: 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="x.yaml:2: the key .* is no name; write one line of text"):
        read_yaml(tmp_path / "x.yaml")


def test_a_message_is_one_line_whatever_a_name_holds(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path / "a\nb\x1b[31m\u202e.yaml")
    assert "a\\nb\\x1b[31m\\u202e.yaml: cannot be read" in str(caught.value)
