"""Reading config/systems.yaml: the keys of every row, and those of its method.

The keys that all rows have are in workflow/schemas/system.schema.yaml, the blocks `model` and `training` are those of
a tier, and the rest are the options of the entry's method (`janus.methods`), whose dataclass is their only definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from janus.config.tiers import BLOCKS, check_rules
from janus.config.yaml_file import read_schema, read_yaml
from janus.errors import InputError, require_none
from janus.methods.base.options import schema_of
from janus.methods.base.registry import find_method, method_names

_HEADER = "# Written by `janus schema` from system.schema.yaml, tier.schema.yaml and janus/methods: do not edit.\n"


def load_systems(path: Path | str, schemas: Path) -> dict[str, Any]:
    """The systems in a YAML file, defaults filled in. schemas: the folder workflow/schemas.

    A method that is a file is found from the folder of the YAML file.

    Raises InputError, naming the key, for an unknown method and for what the schemas do not allow; InputErrors for
    several faults.
    """
    entries = read_yaml(Path(path))
    rules = _rules(schemas)
    if isinstance(entries, Mapping):
        entries = with_found_files(entries, Path(path).parent)
        methods = {name: entry.get("method") for name, entry in entries.items() if isinstance(entry, Mapping)}
        require_none(_unknown_methods(methods, path))
        common = rules["additionalProperties"]
        rules["properties"] = {
            name: _with_options(common, [method]) for name, method in methods.items() if isinstance(method, str)
        }
    return check_rules(entries, rules, Path(schemas) / "systems.schema.yaml", where=path)


def with_entries(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> dict[str, Any]:
    """The tier with what the systems' own entries and methods decide, as `entries`, which come before its overrides.

    That are the blocks `model`, `training` and `decoding` of an entry, and the passes of a decoder with a fixed number.
    """
    found = []
    for name, system in systems.items():
        blocks = {block: system[block] for block in BLOCKS if system.get(block)}
        if passes := fixed_passes(system):
            blocks["decoding"] = {**blocks.get("decoding", {}), "passes": passes}
        if blocks:
            found.append({"systems": [name], **blocks})
    return {**tier, "entries": found}


def fixed_passes(system: Mapping[str, Any]) -> int | None:
    """The passes of a system's NAR decoder if its method fixes them."""
    use = find_method(system["method"]).decoders.get("nar")
    return use.options.get("passes") if use and "nar" in system["manners"] else None


def editor_schema(schemas: Path) -> dict[str, Any]:
    """The schema of the file for editors: of each entry it allows the options of all methods of the package."""
    rules = _rules(schemas)
    return rules | {"additionalProperties": _with_options(rules["additionalProperties"], method_names())}


def with_found_files(entries: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Entries whose methods that are files have absolute paths, found from `folder`."""
    return {name: _with_found_file(entry, folder) for name, entry in entries.items()}


def _with_found_file(entry: Any, folder: Path) -> Any:
    method = entry.get("method") if isinstance(entry, Mapping) else None
    is_file = isinstance(method, str) and method.endswith(".py")
    return {**entry, "method": str((folder / method).resolve())} if is_file else entry


def schema_text(schemas: Path) -> str:
    """The content of workflow/schemas/systems.schema.yaml."""
    return _HEADER + yaml.safe_dump(editor_schema(schemas), sort_keys=False, allow_unicode=True, width=120)


def _rules(schemas: Path) -> dict[str, Any]:
    entry = read_schema(Path(schemas) / "system.schema.yaml")
    top = ("$schema", "title", "description")
    return {
        **{key: entry[key] for key in top},
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"description": "A system's name is a folder name.", "pattern": "^[a-z0-9][a-z0-9-]*$"},
        "additionalProperties": {key: value for key, value in entry.items() if key not in top},
        "$defs": read_schema(Path(schemas) / "tier.schema.yaml")["$defs"],
    }


def _unknown_methods(methods: Mapping[str, Any], path: Path | str) -> list[InputError]:
    found = []
    for name, method in methods.items():
        try:
            if isinstance(method, str):
                find_method(method)
        except InputError as error:
            found.append(InputError(error.what, where=f"{path}: {name}.method", fix=error.fix))
    return found


def _with_options(common: Mapping[str, Any], methods: list[str]) -> dict[str, Any]:
    """The rules of an entry with the options of `methods`. Raises InputError for one named as a key of every row."""
    properties = dict(common["properties"])
    for name in methods:
        for key, rule in schema_of(find_method(name).Options).items():
            if key in common["properties"]:
                raise InputError(f"its option {key!r} is a key of every row", where=f"method {name}", fix="rename it")
            properties[key] = _merged(properties[key], rule) if key in properties else rule
    return {**common, "properties": properties}


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two rules of one key: the first, with the properties of both."""
    if "properties" not in one:
        return dict(one)
    own = one["properties"]
    return {**one, "properties": own | {key: rule for key, rule in other["properties"].items() if key not in own}}
