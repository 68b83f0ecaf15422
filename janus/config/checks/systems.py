"""Systems: labels, options, and the other systems that a system names."""

from collections.abc import Mapping
from typing import Any

from janus.config.checks.problems import Problems, repeated, unknown_name
from janus.config.given import decodes
from janus.config.systems import baselines, decoding_settings, method_of, require_read
from janus.config.tiers import asked_systems, entry_of, settings, used_systems
from janus.decoding.decoding import Decoding
from janus.errors import InputError


def decodes_as_ar(system: Mapping[str, Any]) -> bool:
    """Whether this suite decodes a row of a task from left to right, so that its model can teach and score others."""
    return system["stage"] == "task" and "ar" in system["manners"] and decodes(system)


def baseline_problems(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """The system that a system is compared with exists and decodes in the same manner."""
    file = tier["systems_file"]
    for system in used_systems(tier):
        for name in systems[system]["adds_to"]:
            yield from unknown_name(name, systems, kind="system", where=f"{entry_of(tier, system)}.adds_to", file=file)
            if name == system:
                yield _itself(f"{entry_of(tier, system)}.adds_to")
        entry, place = systems[system], f"{entry_of(tier, system)}.baselines"
        for manner, baseline in ((m, name) for m in entry["baselines"] for name in baselines(entry, m)):
            if baseline not in systems:
                yield from unknown_name(baseline, systems, kind="system", where=place, file=file)
            elif baseline == system:
                yield _itself(place)
            elif manner not in systems[baseline]["manners"]:
                yield InputError(f"{baseline} does not decode as {manner}", where=place, fix="name another system")


def _itself(place: str) -> InputError:
    return InputError("a row cannot be tested against itself", where=place, fix="name another system")


def asked_problems(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """A system that decoding another one asks decodes as ar."""
    for system in used_systems(tier):
        place = f"{entry_of(tier, system)}.decoding"
        for name in asked_systems(tier, "", system):
            if not decodes_as_ar(systems[name]):
                yield InputError(f"{name} does not decode as ar", where=place, fix="name another system")


def entry_problems(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """Labels are unique, and each row's method accepts its options and can decode as it is asked to."""
    names = used_systems(tier)
    for name, label, other in repeated({name: systems[name]["label"] for name in names}):
        yield InputError(
            f"the label {label!r} is also used by {other}",
            where=f"{entry_of(tier, name)}.label",
            fix="give each row its own label",
        )
    for name in names:
        if not decodes(systems[name]):
            continue
        try:
            method = method_of(systems[name])
            method.check_stage(systems[name]["stage"])
            run = settings(tier, corpus="", system=name)
            require_read(systems[name], run["decoding"])
            for manner in systems[name]["manners"]:
                Decoding.of(**decoding_settings(systems[name], run, manner=manner))
        except InputError as error:
            yield InputError(error.what, where=f"{entry_of(tier, name)}.{error.where}", fix=error.fix)
