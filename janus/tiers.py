"""Tiers and systems: what a config may say, and what of it holds for one run.

A tier names corpora, systems, seeds and settings; this module checks it against its schema, fills defaults, refuses
names that nothing else knows, and answers which settings hold for a run.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from janus.corpora.manifest import Corpus, Text
from janus.errors import InputError

_BLOCKS = ("model", "training", "decoding")
# Of tables that are not of translation.
_TASKS = {
    "tables.table2": "summary",
    "tables.table4": "question",
    "tables.table5": "reply",
    "tables.table7": "question",
    "tables.table8": "summary",
}


def read_yaml(path: Path) -> Any:
    """The value in a YAML file. Raises InputError where it is missing, not UTF-8 or malformed."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, mend="correct the path") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 (byte {error.start + 1})", where=path, mend="convert the file with iconv"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(
            f"not YAML ({getattr(error, 'problem', error)})", where=place, mend="correct the line"
        ) from error


def check(config: Any, schema: Path, *, where: object) -> Any:
    """A copy of `config` with the defaults of the JSON schema at `schema` filled in.

    Raises InputError naming the key where the schema refuses the config.
    """
    rules = read_yaml(schema)
    error = best_match(Draft202012Validator(rules).iter_errors(config))
    if error is not None:
        place = ".".join(str(step) for step in error.absolute_path)
        raise InputError(
            _complaint(error),
            where=f"{where}: {place}" if place else where,
            mend=f"see {Path(schema).name} for what is allowed",
        )
    return _with_defaults(config, rules, rules)


def _complaint(error: Any) -> str:
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = error.schema.get("properties", {})
        unknown = sorted(set(error.instance) - set(known))
        return f"unknown key {unknown[0]!r}{_suggestion(unknown[0], known)}"
    if error.validator == "required":
        missing = sorted(set(error.validator_value) - set(error.instance))
        return f"the key {missing[0]!r} is missing"
    return str(error.message)


def _suggestion(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(str(name), [str(item) for item in known], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


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
    """`name`, if it is one of `names`. Raises InputError, with the closest name, where it is not."""
    if name not in names:
        raise InputError(
            f"unknown {kind} {name!r}{_suggestion(name, names)}",
            where=where,
            mend=f"add an entry to {file} or correct the name",
        )
    return name


def check_sense(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    corpora: Mapping[str, Corpus],
    *,
    texts: Mapping[str, Text],
    models: Collection[str],
    where: object,
) -> None:
    """Raise InputError where a checked tier names a system or a corpus that is not defined, or asks a CPU for fp16.

    A corpus of a table or figure must be among the tier's own `corpora`, and these in the corpora file, whose `texts`
    and `models` hold what `pretraining` names. A table's corpus must be of its task. A system starts from another of
    stage pretraining, and works on corpora that share the vocabulary of the text.
    """
    if tier["device"] == "cpu" and any(
        block.get("training", {}).get("precision") == "fp16" for block in [tier, *tier["overrides"]]
    ):
        raise InputError("fp16 needs a GPU", where=f"{where}: training.precision", mend="use float32, or device: cuda")
    for name in tier["corpora"]:
        known(name, corpora, kind="corpus", where=f"{where}: corpora", file=tier["corpora_file"])
    for place, block in _blocks(tier):
        for name in block.get("systems", ()):
            known(name, systems, kind="system", where=f"{where}: {place}.systems", file=tier["systems_file"])
        for name in _corpora_of(block):
            known(name, [*tier["corpora"], *texts], kind="corpus", where=f"{where}: {place}", file="the list `corpora`")
        if baseline := block.get("baseline"):
            known(baseline, block["systems"], kind="system", where=f"{where}: {place}.baseline", file="its `systems`")
    _check_pretraining(tier, systems, texts, models, where)
    for place, block in _blocks({**tier, "overrides": []}):
        _check_corpora(place, block, tier, systems, corpora, texts, where)
    for system in used_systems(tier):
        for manner, baseline in systems[system]["baselines"].items():
            place = f"{tier['systems_file']}: {system}.baselines"
            known(baseline, systems, kind="system", where=place, file=tier["systems_file"])
            if manner not in systems[baseline]["manners"]:
                raise InputError(f"{baseline} does not decode as {manner}", where=place, mend="name another system")


def _check_pretraining(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    texts: Mapping[str, Text],
    models: Collection[str],
    where: object,
) -> None:
    """The text and the base exist where a system needs them, and what a system starts from is pre-trained."""
    pretraining, file = tier["pretraining"], tier["systems_file"]
    pretrained = [name for name, system in systems.items() if system["stage"] == "pretraining"]
    if pretraining:
        place = f"{where}: pretraining"
        known(pretraining["text"], texts, kind="text", where=place, file=tier["corpora_file"])
        known(pretraining["base"], [*models, *pretrained], kind="model", where=place, file=tier["corpora_file"])
    for name in used_systems(tier):
        start = systems[name]["start"]
        if start and not pretraining:
            raise InputError(
                f"{name} starts from a pre-trained model",
                where=f"{where}: pretraining",
                mend="say `text` and `base` there, or leave the system out",
            )
        if start and start != "base":
            known(start, pretrained, kind="pre-trained system", where=f"{file}: {name}.start", file=file)


def _check_corpora(
    place: str,
    block: Mapping[str, Any],
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    corpora: Mapping[str, Corpus],
    texts: Mapping[str, Text],
    where: object,
) -> None:
    """Each corpus of a table or figure is of its task and of the vocabulary that its pre-trained systems know."""
    task = _TASKS.get(place, "translation")
    started = [name for name in block["systems"] if systems[name]["start"]]
    for name in block["systems"]:
        if systems[name]["stage"] == "pretraining":
            raise InputError(
                f"{name} is pre-trained on running text and decodes nothing",
                where=f"{where}: {place}.systems",
                mend="name a system of stage task that starts from it",
            )
    for name in _corpora_of(block):
        if corpora[name].task != task:
            raise InputError(
                f"{name} is a corpus of {corpora[name].task}, the paper's is of {task}",
                where=f"{where}: {place}",
                mend="name another corpus",
            )
        vocabulary = texts[tier["pretraining"]["text"]].vocabulary if started else None
        if started and corpora[name].vocabulary != vocabulary:
            raise InputError(
                f"{started[0]} knows the vocabulary {vocabulary!r}, {name} has another",
                where=f"{where}: {place}",
                mend=f"give the corpus `vocabulary: {vocabulary}` in {tier['corpora_file']}",
            )


def _blocks(tier: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for kind in ("tables", "figures"):
        for name, block in tier[kind].items():
            yield f"{kind}.{name}", block
    for index, block in enumerate(tier["overrides"]):
        yield f"overrides.{index}", block


def _corpora_of(block: Mapping[str, Any]) -> list[str]:
    single = [block["corpus"]] if "corpus" in block else []
    return [*single, *block.get("columns", ()), *block.get("corpora", ())]


def used_systems(tier: Mapping[str, Any]) -> list[str]:
    """Every system that a table or a figure of the tier shows, each once, in order of appearance."""
    blocks = [*tier["tables"].values(), *tier["figures"].values()]
    return list(dict.fromkeys(name for block in blocks for name in block["systems"]))


def settings(tier: Mapping[str, Any], *, corpus: str, system: str) -> dict[str, dict[str, Any]]:
    """The blocks `model`, `training` and `decoding` that hold for one system on one corpus, overrides applied."""
    merged = {block: dict(tier[block]) for block in _BLOCKS}
    for override in tier["overrides"]:
        if corpus in override.get("corpora", [corpus]) and system in override.get("systems", [system]):
            for block in _BLOCKS:
                merged[block] |= override.get(block, {})
    return merged
