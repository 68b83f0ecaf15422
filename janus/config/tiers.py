"""Tiers and systems: validation of a config, and the settings of each run.

A tier names corpora, systems, seeds and settings. This module checks it against its schema, fills in defaults, and
lists the runs of a tier and the settings of each. Consistency checks are in `janus.config.consistency`.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from janus.config.distilled import raw_of, teachers, trained_on
from janus.config.given import is_trained, trainer_of
from janus.config.resources import LARGEST_VOCABULARY, default_resources
from janus.config.yaml_file import complaints, read_schema, refusals, suggestion, typed

# For callers that read a tier and check it.
from janus.config.yaml_file import read_yaml as read_yaml
from janus.errors import InputError, require_none

BLOCKS = ("model", "training", "decoding")
# The blocks of a tier that name the systems to train.
SHOWN = ("tables", "figures", "overviews")
# Keys of a `decoding` block that name another system: decoding reads its checkpoint of the same corpus and seed.
NAMING = ("rescore",)


def check(config: Any, schema: Path, *, where: object) -> Any:
    """A copy of `config` with numbers in the types of the JSON schema at `schema`, and its defaults filled in.

    Raises InputError, naming the key, if the config violates the schema; InputErrors for several violations.
    """
    return check_rules(config, read_schema(schema), Path(schema), where=where)


def check_rules(config: Any, rules: Mapping[str, Any], schema: Path, *, where: object) -> Any:
    """As `check`, for the content `rules` of the schema; messages name the file `schema`."""
    config = typed(config, rules)
    require_none(_refusals(config, rules, schema, where))
    return _with_defaults(config, rules, rules)


def _refusals(config: Any, rules: Mapping[str, Any], schema: Path, where: object) -> Iterator[InputError]:
    found = [(list(place), f"{value} is no finite number") for place, value in _not_finite(config, ())]
    for error in refusals(config, rules):
        found += [(list(error.absolute_path), said) for said in complaints(error)]
    for steps, said in sorted(found, key=lambda entry: list(map(str, entry[0]))):
        place = ".".join(map(str, steps))
        yield InputError(
            said, where=f"{where}: {place}" if place else where, fix=f"see {schema.name} for what is allowed"
        )


def _not_finite(value: Any, place: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], float]]:
    """Infinite numbers and NaN (`.inf`, `.nan`), which the bounds of a schema do not exclude."""
    if isinstance(value, float) and not math.isfinite(value):
        yield place, value
    elif isinstance(value, Mapping | list):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _not_finite(item, (*place, key))


def _with_defaults(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """`value` with defaults from `rules`, a schema inside the schema `root`; references are followed."""
    if "$ref" in rules:
        target: Any = root
        for step in rules["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        value = _with_defaults(value, target, root)
    if isinstance(value, list):
        return [_with_defaults(item, rules["items"], root) for item in value] if "items" in rules else value
    if not isinstance(value, Mapping):
        return value
    named = rules.get("properties", {})
    others = rules.get("additionalProperties")
    filled = {key: rule["default"] for key, rule in named.items() if "default" in rule} | dict(value)
    for key, item in filled.items():
        rule = named.get(key, others)
        if isinstance(rule, Mapping):
            filled[key] = _with_defaults(item, rule, root)
    return filled


def known(name: str, names: Collection[str], *, kind: str, where: object, file: object) -> str:
    """`name`, if it is one of `names`. Otherwise raises InputError, with the closest name."""
    if name not in names:
        raise InputError(
            f"unknown {kind} {name!r}{suggestion(name, names)}",
            where=where,
            fix=f"add an entry to {file} or correct the name",
        )
    return name


def entry_of(tier: Mapping[str, Any], system: str) -> str:
    """The place of a system's entry in messages: that in the tier, or in the file of the systems."""
    return f"systems.{system}" if system in tier.get("systems", ()) else f"{tier['systems_file']}: {system}"


def blocks_of(
    tier: Mapping[str, Any], kinds: Collection[str] = ("tables", "figures", "overviews", "overrides")
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """(place, block) of every table, figure, overview and override of a tier, or only of those `kinds`."""
    for kind in kinds:
        entries = tier[kind]
        for name, block in enumerate(entries) if isinstance(entries, list) else entries.items():
            yield f"{kind}.{name}", block


def corpora_of(block: Mapping[str, Any]) -> list[str]:
    """The corpora that a table, figure, overview or override names."""
    single = [block["corpus"]] if "corpus" in block else []
    return [*single, *block.get("columns", ()), *block.get("corpora", ())]


def systems_on(block: Mapping[str, Any], corpus: str) -> list[str]:
    """The systems that a table, figure or overview shows on a corpus."""
    return [*block["systems"], *block.get("more", {}).get(corpus, ())]


def systems_of(block: Mapping[str, Any]) -> list[str]:
    """The systems of a table, figure or overview, each once; none of an override for all."""
    more = [name for names in block.get("more", {}).values() for name in names]
    return list(dict.fromkeys([*block.get("systems", ()), *more]))


def rows_of(block: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(corpus, system) of everything that a table, figure or overview shows."""
    return [(corpus, name) for corpus in corpora_of(block) for name in systems_on(block, corpus)]


def used_systems(tier: Mapping[str, Any]) -> list[str]:
    """The systems in tables, figures and overviews of the tier, each once, in order of appearance; then what they need.

    These are the systems that decoding asks, the teachers of distilled corpora, and those that train a row.
    """
    shown = [name for _, block in blocks_of(tier, SHOWN) for name in systems_of(block)]
    asked = [other for name in shown for other in asked_systems(tier, "", name)]
    named = [*shown, *asked, *(teacher for _, teacher in teachers(tier))]
    trainers = [tier["trained_by"][name] for name in named if name in tier.get("trained_by", ())]
    return list(dict.fromkeys([*named, *trainers]))


def runs(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(corpus or text, system) of every training that the tables and figures of a checked tier need, each once.

    Rows and test sets that share a training are one; given rows have none.
    """
    found: dict[tuple[str, str], None] = {}
    for _, block in blocks_of(tier, SHOWN):
        found |= dict.fromkeys(rows_of(block))
    found |= {
        (corpus, other): None
        for corpus, name in found
        for other in asked_systems(tier, corpus, name)
        if other in systems
    }
    found |= teachers(tier, {corpus for corpus, _ in found})
    found = {
        (trained_on(corpus), trainer_of(systems, name)): None
        for corpus, name in found
        if name in systems and is_trained(systems, name)
    }
    names = [systems[name]["start"] for _, name in found]
    while names := [name for name in names if name]:
        # The start of a training is itself trained on the text, unless it is published.
        names = [tier["pretraining"]["base"] if name == "base" else name for name in names]
        names = [name for name in dict.fromkeys(names) if name in systems]
        found |= dict.fromkeys((tier["pretraining"]["text"], name) for name in names)
        names = [systems[name]["start"] for name in names]
    return list(found)


def asked_systems(tier: Mapping[str, Any], corpus: str, system: str) -> list[str]:
    """The other systems that decoding a system on a corpus asks."""
    block = settings(tier, corpus=corpus, system=system)["decoding"]
    return [block[key] for key in NAMING if block.get(key)]


def settings(
    tier: Mapping[str, Any], *, corpus: str, system: str, vocabulary: int = LARGEST_VOCABULARY
) -> dict[str, dict[str, Any]]:
    """The blocks `model`, `training` and `decoding` of one system on one corpus, with overrides applied.

    An override for a corpus holds for what is distilled from it and for its further test sets as well.
    A row that another one trains has the model and the training of that one, with their overrides.
    Threads and memory that are not set follow from the model, the batch and the `vocabulary`
    (`janus.config.resources`).
    """
    merged = {block: dict(tier[block]) for block in BLOCKS}
    trainer = tier.get("trained_by", {}).get(system, system)
    owners = {"model": trainer, "training": trainer, "decoding": system}
    for override in [*tier.get("entries", ()), *tier["overrides"]]:
        if {corpus, trained_on(corpus), raw_of(corpus)}.intersection(override.get("corpora", [corpus])):
            for block, owner in owners.items():
                if owner in override.get("systems", [owner]):
                    merged[block] |= override.get(block, {})
    needs = default_resources(merged["model"], merged["training"], device=tier["device"], vocabulary=vocabulary)
    merged["training"] = needs | merged["training"]
    return merged


def averages(tier: Mapping[str, Any], system: Mapping[str, Any]) -> bool:
    """Whether a system decodes with the mean of its last checkpoints instead of the one of best validation loss."""
    return system["average"] or (tier["budget"] == "equal" and system["stage"] == "task")
