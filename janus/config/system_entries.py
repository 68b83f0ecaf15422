"""Reading config/systems.yaml: the keys of every row, and those of its method.

The keys that all rows have are in workflow/schemas/system.schema.yaml, the blocks `model` and `training` are those of
a tier, and the rest are the options of the entry's method (`janus.methods`), whose dataclass is their only definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from janus.config.given import given_of
from janus.config.tiers import BLOCKS, check_rules, known
from janus.config.yaml_file import read_schema, read_yaml
from janus.decoding.decoding import decoder_names, named_for
from janus.errors import InputError, require_none, together
from janus.methods.base.options import schema_of
from janus.methods.base.registry import find_method, method_names

_HEADER = "# Written by `janus schema` from system.schema.yaml, tier.schema.yaml and janus/methods: do not edit.\n"
_SCHEMA = "systems.schema.yaml"
# Keys that hold paths; of `method`, one that ends in .py.
_PATHS = ("method", "checkpoint", "dictionary", "hypotheses")
# What an entry needs, by the key that says where its weights or outputs come from, the first of them that it has.
_NEEDED = {
    "trained_by": ["label"],
    "hypotheses": ["label", "manners"],
    "checkpoint": ["label", "method", "manners"],
    "": ["label", "method", "manners"],
}
_OF_ROW = {"label", "note", "manners", "degenerate", "baselines", "adds_to", "published"}
_OF_TRAINING = {"stage", "start", "model", "training", "average", "options"}

Entry = Mapping[str, Any]


def load_systems(
    path: Path | str, schemas: Path, *, own: Mapping[str, Any] | None = None, where: object = "config"
) -> dict[str, Any]:
    """The systems in a YAML file, and after them the `own` ones of a tier, defaults filled in.

    schemas: the folder workflow/schemas. where: names the tier in errors. A path in an entry (a method that is a file,
    a given checkpoint or outputs) is found from the folder of the YAML file, one of a tier from the working directory.
    An entry with `trained_by` has the keys of the row that it names, but for those that it has itself.

    Raises InputError, naming the key, for an unknown method and for what the schemas do not allow; InputErrors for
    several faults.
    """
    file = read_yaml(Path(path))
    if not isinstance(file, Mapping):
        return check_rules(file, _rules(schemas), Path(schemas) / _SCHEMA, where=path)
    own, place = own or {}, f"{where}: systems"
    entries = {**with_found_files(own, Path()), **with_found_files(file, Path(path).parent)}
    twice = [
        InputError(f"{name} is in {path} too", where=place, fix="give it another name") for name in own if name in file
    ]
    mine = {name: entries[name] for name in own if name not in file}
    _, checked, others = together(
        lambda: require_none(twice),
        lambda: _checked({name: entries[name] for name in file}, entries, schemas, path),
        lambda: _checked(mine, entries, schemas, place) if mine else {},
    )
    checked |= others
    return {name: _with_training(entry, entries[name], checked) for name, entry in checked.items()}


def _checked(part: Mapping[str, Any], entries: Mapping[str, Any], schemas: Path, place: object) -> dict[str, Any]:
    """A `part` of all `entries`, those of the file that `place` names, checked."""
    rules = _rules(schemas)
    common = {key: rule for key, rule in rules["additionalProperties"].items() if key != "anyOf"}
    mappings = {name: entry for name, entry in part.items() if isinstance(entry, Mapping)}
    rules["properties"] = {name: _rules_of(entry, entries, common) for name, entry in mappings.items()}
    faults = [
        fault
        for name, entry in mappings.items()
        for fault in _faults(entry, entries, rules["properties"][name]["properties"], f"{place}: {name}", place)
    ]
    schema = Path(schemas) / _SCHEMA
    return together(lambda: require_none(faults), partial(check_rules, part, rules, schema, where=place))[1]


def _rules_of(entry: Entry, entries: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of an entry, with the options of its method; of an unknown method they are not known."""
    method, needed = _method_name(entry, entries), {"required": _NEEDED[_kind(entry)]}
    if not isinstance(method, str):
        return {**common, **needed}
    try:
        find_method(method)
    except InputError:
        return {**common, **needed, "additionalProperties": True}
    return _with_options(common, [method]) | needed


def _kind(entry: Entry) -> str:
    return next((kind for kind in _NEEDED if kind in entry), "")


def _method_name(entry: Entry, entries: Mapping[str, Any]) -> Any:
    """The method of an entry that may be faulty, or of the row that trains it."""
    trainer = entries.get(entry["trained_by"]) if isinstance(entry.get("trained_by"), str) else entry
    return trainer.get("method") if isinstance(trainer, Mapping) else None


def _faults(
    entry: Entry, entries: Mapping[str, Any], allowed: Mapping[str, Any], where: str, file: object
) -> Iterator[InputError]:
    """What a schema cannot say of an entry: an unknown method or row, and `allowed` keys that it has no use for."""
    kind, method, trainer = _kind(entry), entry.get("method"), entry.get("trained_by")
    if isinstance(method, str):
        try:
            find_method(method)
        except InputError as error:
            yield InputError(error.what, where=f"{where}.method", fix=error.fix)
    if isinstance(trainer, str):
        try:
            found = entries[known(trainer, entries, kind="system", where=f"{where}.trained_by", file=file)]
            if isinstance(found, Mapping) and _kind(found) in ("trained_by", "hypotheses"):
                fix = "name a row that is trained, or whose checkpoint is given"
                yield InputError(f"{trainer} has no weights of its own", where=f"{where}.trained_by", fix=fix)
        except InputError as error:
            yield error
    useless = {
        "trained_by": set(allowed) - _OF_ROW - {"trained_by", "decoding"},
        "hypotheses": set(allowed) - _OF_ROW - {"hypotheses"},
        "checkpoint": _OF_TRAINING,
        "": {"dictionary"},
    }
    for key in sorted(useless[kind].intersection(entry)):
        beside = f"beside `{kind}`" if kind else "without `checkpoint`"
        yield InputError(f"the key {key!r} has no meaning {beside}", where=where, fix="remove it")


def _with_training(entry: Entry, said: Entry, checked: Mapping[str, Any]) -> dict[str, Any]:
    """A checked entry; one that another row trains has that one's keys but for what it `said`, and adds to it."""
    trainer = entry.get("trained_by")
    if not trainer:
        return dict(entry)
    shared = {key: value for key, value in checked[trainer].items() if key not in ("note", "published")}
    own = {key: entry[key] for key in said}
    if (decoder := own.get("decoding", {}).get("decoder")) in decoder_names():
        # The other manner of the row that trains it would be the same decoding under another name.
        shared["manners"] = [one for one in shared["manners"] if named_for(decoder, one)] or shared["manners"]
    if "decoder" not in own.get("decoding", {}):
        # Another decoder has settings of its own.
        own["decoding"] = {**shared["decoding"], **own.get("decoding", {})}
    return {**shared, "published": [], "adds_to": [trainer], **own}


def with_entries(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> dict[str, Any]:
    """The tier with what the systems' own entries and methods decide, as `entries`, which come before its overrides.

    That are the blocks `model`, `training` and `decoding` of an entry, and the passes of a decoder with a fixed number.
    `trained_by` are the rows that are trained by others, whose models and trainings are those of the others.
    """
    found = []
    for name, system in systems.items():
        own = ("decoding",) if system.get("trained_by") else BLOCKS
        blocks = {block: system[block] for block in own if system.get(block)}
        if passes := fixed_passes(system):
            blocks["decoding"] = {**blocks.get("decoding", {}), "passes": passes}
        if blocks:
            found.append({"systems": [name], **blocks})
    trained_by = {name: system["trained_by"] for name, system in systems.items() if system.get("trained_by")}
    return {**tier, "entries": found, "trained_by": trained_by}


def fixed_passes(system: Mapping[str, Any]) -> int | None:
    """The passes of a system's NAR decoder if its method fixes them, or those that its given outputs took."""
    if given_of(system) == "outputs":
        return system["hypotheses"].get("passes")
    use = find_method(system["method"]).decoders.get("nar")
    return use.options.get("passes") if use and "nar" in system["manners"] else None


def editor_schema(schemas: Path) -> dict[str, Any]:
    """The schema of the file for editors: of each entry it allows the options of all methods of the package."""
    rules = _rules(schemas)
    return rules | {"additionalProperties": _with_options(rules["additionalProperties"], method_names())}


def with_found_files(entries: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Entries whose files (methods, given checkpoints and outputs) have absolute paths, found from `folder`."""
    return {name: _with_found_file(entry, folder) for name, entry in entries.items()}


def _with_found_file(entry: Any, folder: Path) -> Any:
    if not isinstance(entry, Mapping):
        return entry

    def found(key: str, named: Any) -> Any:
        if isinstance(named, Mapping):
            return {inner: found(inner, value) for inner, value in named.items()}
        is_path = isinstance(named, str) and (key != "method" or named.endswith(".py"))
        return str((folder / Path(named).expanduser()).resolve()) if is_path else named

    return {key: found(key, value) if key in _PATHS else value for key, value in entry.items()}


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
