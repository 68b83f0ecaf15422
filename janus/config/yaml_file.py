"""YAML files written by users: one message per fault, and numbers in the types of their schema."""

import copy
import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from janus.errors import InputError, require_none
from janus.files import DEEPEST, LONGEST_INTEGER

# Numbers as people write them, including exponents without a point, which YAML 1.1 reads as text.
_LONGEST_NUMBER = 40
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
# The longest message, in characters.
_LONGEST = 200
_BREAK = re.compile("[\r\n\x85\u2028\u2029]")
_TRUTHS = {"true": True, "false": False}
# Values of a file once its aliases are replaced by what they stand for.
_LARGEST = 100_000
_TAG = "tag:yaml.org,2002:"
# Types that JSON has not, and no config: a date stays the text that it was written as.
_FOREIGN = ("timestamp", "binary", "set", "omap", "pairs")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, limited to the types of JSON and to sizes that aliases cannot blow up.

    It also records duplicate keys of a map and numbers that people read otherwise.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAG}timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str):
        super().__init__(text)
        # Each with its line.
        self.unnamed: list[tuple[object, int]] = []
        self.repeated: list[tuple[object, int]] = []
        self.misread: list[tuple[str, object, int]] = []

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """A number; YAML 1.1 reads 1:30 as 90 and 010 as 8."""
        integer = node.tag.endswith(":int")
        if integer and len(node.value) > LONGEST_INTEGER:
            raise ValueError("too long")
        value = self.construct_yaml_int(node) if integer else self.construct_yaml_float(node)
        written = node.value.replace("_", "")
        if ":" in written or (integer and written.lstrip("+-") != str(abs(value))):
            self.misread.append((node.value, value, node.start_mark.line + 1))
        return value

    def get_single_data(self) -> Any:
        """The content; raises YAMLError for what cannot be read, which PyYAML alone may say in any exception."""
        try:
            node = self.get_single_node()
            if node is None:
                return None
            _require_small(node)
            return self.construct_document(node)
        except RecursionError as error:
            raise yaml.MarkedYAMLError(problem=f"more than {DEEPEST} levels") from error

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # PyYAML fails so on values that do not belong to their tag, such as `!!int ""` and `!!bool 3`.
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
            value = f"{node.value[:20]!r}" if isinstance(node, yaml.ScalarNode) else "this"
            said = f"{value} is no {node.tag.removeprefix(_TAG)}"
            raise yaml.constructor.ConstructorError(problem=said, problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        # Before PyYAML inserts the keys of a merge (`<<`) into the map.
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{_TAG}merge":
                name = self.construct_object(key)
                if not isinstance(name, str) or _BREAK.search(name):
                    self.unnamed.append((name, key.start_mark.line + 1))
                if name in seen:
                    self.repeated.append((name, key.start_mark.line + 1))
                seen.add(name)
        return super().construct_mapping(node, deep)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"{_TAG}{_kind}", _Loader.construct_number)
for _kind in _FOREIGN:
    _Loader.add_constructor(f"{_TAG}{_kind}", yaml.SafeLoader.construct_undefined)


def read_schema(path: Path) -> dict[str, Any]:
    """The content of a JSON schema of this project, a copy for each caller; the file is read once."""
    return copy.deepcopy(_schema(Path(path)))


@cache
def _schema(path: Path) -> dict[str, Any]:
    return read_yaml(path)


def _require_small(root: yaml.Node) -> None:
    """Raise MarkedYAMLError for a node that contains itself, is too deep, or too large with its aliases replaced."""
    # Of nodes that were left: their values and levels. None is for those that are still open.
    measured: dict[int, tuple[int, int] | None] = {}

    def measure(node: yaml.Node) -> tuple[int, int]:
        if id(node) in measured:
            if (known := measured[id(node)]) is None:
                raise yaml.MarkedYAMLError(
                    problem="a value contains itself, through an alias inside its own anchor",
                    problem_mark=node.start_mark,
                )
            return known
        measured[id(node)] = None
        inside = [measure(item) for item in _nodes_in(node)]
        size, depth = 1 + sum(count for count, _ in inside), 1 + max((levels for _, levels in inside), default=0)
        if size > _LARGEST or depth > DEEPEST:
            what = f"more than {DEEPEST} levels" if depth > DEEPEST else f"more than {_LARGEST:,} values"
            raise yaml.MarkedYAMLError(problem=f"{what}, with its aliases replaced", problem_mark=node.start_mark)
        measured[id(node)] = size, depth
        return size, depth

    measure(root)


def _nodes_in(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def read_yaml(path: Path) -> Any:
    """The value in a YAML file. Raises InputError if it is missing or not UTF-8, and as `parse_yaml` does."""
    try:
        # A byte order mark, which some editors write, is not part of the content.
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, fix="correct the path") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 (byte {error.start + 1})", where=path, fix="convert the file with iconv"
        ) from error
    return parse_yaml(text, lambda line: f"{path}:{line}" if line else path)


def parse_yaml(text: str, place: Callable[[int], object]) -> Any:
    """The value of a YAML text. place: what errors call the text at a line, or, at line 0, all of it.

    Raises InputError if it is malformed, for duplicate keys in a map, of which YAML readers silently drop the first,
    and for numbers with a base other than 10, such as 1:30, which YAML reads as 90. Tags that name objects of Python,
    and types that JSON has not, are malformed; nothing in the text is executed.
    """
    try:
        loader = _Loader(text)
        content = loader.get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        where = place(mark.line + 1 if mark else 0)
        raise InputError(f"not YAML ({' '.join(reason.split())})", where=where, fix="correct the line") from error
    require_none(
        InputError(f"duplicate key {name!r}", where=place(line), fix="remove one of the two")
        for name, line in loader.repeated
    )
    require_none(
        InputError(f"the key {name!r} is no name", where=place(line), fix="write one line of text")
        for name, line in loader.unnamed
    )
    require_none(
        InputError(f"{text} is read as {value}", where=place(line), fix="write it in base 10")
        for text, value, line in loader.misread
    )
    return content


def _matches(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `pattern`, whose `$` matches only at the end; Python's also does before a last line break."""
    if validator.is_type(instance, "string") and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _matches})


def refusals(value: Any, rules: Mapping[str, Any]) -> Iterator[ValidationError]:
    """All violations of the JSON schema `rules` in `value`; a value of the wrong type gives no further ones."""
    # For an error with several alternatives, the one that fits the value best.
    errors = [best_match([error]) for error in _Validator(rules).iter_errors(value)]
    mistaken = [error.absolute_path for error in errors if error.validator == "type"]
    for error in errors:
        if error.validator == "type" or error.absolute_path not in mistaken:
            yield error


def complaints(error: ValidationError) -> list[str]:
    """The messages of a schema violation: one for each key that is unknown or missing, otherwise a single one."""
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
        unknown = [
            name for name in error.instance if name not in known and not any(re.search(p, str(name)) for p in patterns)
        ]
        return [f"unknown key {name!r}{suggestion(name, known)}" for name in sorted(unknown, key=str)]
    if error.validator == "required":
        # One violation for each key that is missing; jsonschema names it in the message alone.
        missing = [name for name in error.validator_value if name not in error.instance]
        return [f"the key {name!r} is missing" for name in sorted(missing)]
    return [complaint(error)]


def suggestion(name: object, known: Collection[object]) -> str:
    """What a message adds where an unknown name is close to a known one; empty where none is."""
    close = difflib.get_close_matches(str(name), [str(item) for item in known], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def complaint(error: ValidationError) -> str:
    """The message of a schema violation, with long values shortened."""
    if error.validator == "oneOf":
        rules = [rule["required"] for rule in error.validator_value if "required" in rule]
        names = ", ".join(" and ".join(required) for required in rules)
        there = [required for required in rules if set(required) <= set(error.instance)]
        return f"only one of {names} may stand there" if there else f"one of {names} is missing"
    if error.validator == "uniqueItems":
        repeated = [item for index, item in enumerate(error.instance) if item in error.instance[:index]]
        return f"{repeated[0]!r} is repeated"
    if error.validator == "pattern" and "$comment" in error.schema:
        return f"{error.instance!r} is not {error.schema['$comment']}"
    message = " ".join(str(error.message).split())
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"


def typed(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """A copy of `value` in which text is converted where the JSON schema `rules` expects a number or a boolean.

    YAML 1.1 reads `5e-4`, without a point, as text, and Snakemake everything inside a value of `--config`; JSON schemas
    accept 100.0 as an integer. `root` is the schema that references are resolved in, `rules` itself by default.
    """
    root = rules if root is None else root
    for rule in _branches(rules, root):
        if isinstance(value, Mapping):
            named, others = rule.get("properties", {}), rule.get("additionalProperties")
            patterns = rule.get("patternProperties", {})
            value = {
                key: typed(item, _rule_for(str(key), named, patterns, others), root) for key, item in value.items()
            }
        elif isinstance(value, list) and "items" in rule:
            value = [typed(item, rule["items"], root) for item in value]
        else:
            value = _scalar(value, rule)
    return value


def _branches(rules: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A schema with all its references and alternatives, as a flat list."""
    found = [rules]
    if "$ref" in rules:
        target: Any = root
        for step in rules["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found += _branches(target, root)
    for key in ("anyOf", "oneOf", "allOf"):
        for option in rules.get(key, ()):
            found += _branches(option, root)
    return found


def _rule_for(key: str, named: Mapping[str, Any], patterns: Mapping[str, Any], others: Any) -> Mapping[str, Any]:
    if key in named:
        return named[key]
    for pattern, rule in patterns.items():
        if re.search(pattern, key):
            return rule
    return others if isinstance(others, Mapping) else {}


def _scalar(value: Any, rule: Mapping[str, Any]) -> Any:
    kinds = rule.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if isinstance(value, str) and "string" not in kinds:
        if kinds & {"number", "integer"} and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
            value = float(value) if re.search("[.eE]", value) else int(value)
        elif "boolean" in kinds:
            return _TRUTHS.get(value.lower(), value)
    if "integer" in kinds and "number" not in kinds and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
