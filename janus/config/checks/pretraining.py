"""Pre-training: the text and the base exist, and no system starts from itself."""

from collections.abc import Collection, Mapping
from typing import Any

from janus.config.checks.problems import Problems, unknown_name
from janus.config.tiers import entry_of, used_systems
from janus.errors import InputError
from janus.fetching.manifest import Text


def pretraining_problems(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    texts: Mapping[str, Text],
    models: Collection[str],
    where: object,
) -> Problems:
    """The text and the base that a system needs exist, and a system starts only from a pre-trained one."""
    pretraining, file = tier["pretraining"], tier["systems_file"]
    pretrained = [name for name, system in systems.items() if system["stage"] == "pretraining"]
    if pretraining:
        place = {"where": f"{where}: pretraining", "file": tier["corpora_file"]}
        yield from unknown_name(pretraining["text"], texts, kind="text", **place)
        yield from unknown_name(pretraining["base"], [*models, *pretrained], kind="model", **place)
    started = [name for name in used_systems(tier) if systems[name]["start"]]
    if started and not pretraining:
        yield InputError(
            f"{started[0]} starts from a pre-trained model",
            where=f"{where}: pretraining",
            fix="set `text` and `base` there, or leave the system out",
        )
    for name in started:
        if (start := systems[name]["start"]) != "base":
            yield from unknown_name(
                start, pretrained, kind="pre-trained system", where=f"{entry_of(tier, name)}.start", file=file
            )
    yield from _circles(tier, systems)


def _circles(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """No system starts from itself, directly or through others."""
    base = (tier["pretraining"] or {}).get("base")
    for name in used_systems(tier):
        chain = [name]
        while start := systems.get(chain[-1], {}).get("start"):
            chain.append(base if start == "base" else start)
            if chain[-1] in chain[:-1]:
                circle = chain[chain.index(chain[-1]) :]
                yield InputError(
                    f"{circle[0]} starts from {', which starts from '.join(circle[1:])}",
                    where=f"{entry_of(tier, circle[0])}.start",
                    fix="let one of them start from nothing, or name another `pretraining.base`",
                )
                break
