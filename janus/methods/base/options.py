"""The options of a method as a dataclass, and the JSON schema, the defaults and the checks that follow from it.

A field is a bool, int, float or str, a `Literal` of strings or integers, or another such dataclass. Its metadata,
written with `option`, are the description and the bounds, in the words of JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeGuard, get_args, get_origin, get_type_hints

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


@dataclass(frozen=True)
class NoOptions:
    """The options of a method that has none."""


def option(default: Any, description: str, **bounds: Any) -> Any:
    """A dataclass field with a description and bounds such as `minimum`; `default` is a value or a class of options."""
    metadata = {"description": description, **bounds}
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def schema_of(options: type) -> dict[str, dict[str, Any]]:
    """The JSON schema of each field of a dataclass of options, by name, with its default."""
    hints = get_type_hints(options)
    return {one.name: _schema(hints[one.name]) | dict(one.metadata) | _default(one) for one in fields(options)}


def read_options(options: type, values: Mapping[str, Any]) -> Any:
    """An instance of a dataclass of options from a mapping that its schema accepts; absent fields get their defaults.

    Raises TypeError for a name that is no field.
    """
    hints = get_type_hints(options)
    given: dict[str, Any] = {}
    for name, value in values.items():
        kind = hints.get(name)
        if isinstance(value, Mapping) and _is_options(kind):
            value = read_options(kind, value)
        # Equal options are equal text, whether a file says 1 or 1.0.
        given[name] = float(value) if kind is float else value
    return options(**given)


def _schema(kind: Any) -> dict[str, Any]:
    if _is_options(kind):
        return {"type": "object", "additionalProperties": False, "properties": schema_of(kind)}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    return {"type": _TYPES[kind]}


def _is_options(kind: Any) -> TypeGuard[type]:
    return isinstance(kind, type) and is_dataclass(kind)


def _default(one: Any) -> dict[str, Any]:
    value = one.default_factory() if callable(one.default_factory) else one.default
    # The defaults of a nested dataclass stand at its own fields.
    return {"default": {} if is_dataclass(value) else value}
