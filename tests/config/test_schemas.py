"""The schemas as editors read them: keys are described, no map takes any key, and the files of config/ name theirs."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from janus.config.tiers import check, read_yaml
from janus.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "workflow/schemas"
# Its keys depend on the decoders of the entry; `janus.config.systems.require_read` checks them.
FREE = {"decoding", "systems"}


def maps(rules, name=""):
    """(name, rules) of every map inside a schema that lists its keys, or none."""
    if isinstance(rules, dict):
        if rules.get("type") == "object" or isinstance(rules.get("properties"), dict):
            yield name, rules
        for key, inner in rules.items():
            yield from maps(inner, key)
    elif isinstance(rules, list):
        for inner in rules:
            yield from maps(inner, name)


@pytest.mark.parametrize("name", ["tier", "systems", "corpora"])
def test_every_key_is_described_and_no_other_is_allowed(name):
    schema = read_yaml(SCHEMAS / f"{name}.schema.yaml")
    Draft202012Validator.check_schema(schema)
    for place, rules in maps(schema):
        for key, rule in rules.get("properties", {}).items():
            bare = isinstance(rule, dict) and not {"$ref", "description", "const", "default"} & rule.keys()
            assert not bare, f"{name}: {place}.{key} has no description"
        named = rules.get("properties") and "$ref" not in rules and {"type", "required"} & rules.keys()
        if named and rules.get("type") == "object":
            assert "additionalProperties" in rules or place in FREE, f"{name}: {place} takes any key"


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_a_file_of_config_names_its_schema_and_an_editor_finds_no_fault(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    head = "# yaml-language-server: $schema="
    assert first.startswith(head)
    schema = (path.parent / first.removeprefix(head)).resolve()
    assert schema.parent == SCHEMAS
    # As an editor does: the schema and the file alone, without anything that this suite adds.
    errors = Draft202012Validator(yaml.safe_load(schema.read_text())).iter_errors(read_yaml(path))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("label", ["", "a\nb", "CMLM\n", " CMLM", "a\rb", "a\u2028b", "a\x1bb"])
def test_a_label_is_a_line(label):
    systems = read_yaml(ROOT / "config/systems.yaml")
    systems["aux"]["label"] = label
    with pytest.raises(InputError, match="aux.label: .* is not a line of text without a space at its ends") as caught:
        check(systems, SCHEMAS / "systems.schema.yaml", where="here")
    assert len(str(caught.value).splitlines()) == 1
