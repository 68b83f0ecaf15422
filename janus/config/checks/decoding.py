"""Decoding: no row is asked for lengths that it cannot predict, or for passes that it does not have."""

from collections.abc import Mapping
from typing import Any

from janus.config.checks.problems import Problems
from janus.config.given import given_of
from janus.config.system_entries import fixed_passes
from janus.config.tiers import SHOWN, blocks_of, rows_of, settings, systems_of
from janus.errors import InputError
from janus.methods.base.registry import find_method


def length_beam_problems(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """No NAR system tries more lengths than it can predict; systems with the same numbers give one problem."""
    alike: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for place, block in blocks_of(tier, SHOWN):
        for corpus, name in rows_of(block):
            if given_of(systems[name]):
                # Only the weights of a given model tell how many lengths it predicts.
                continue
            run = settings(tier, corpus=corpus, system=name)
            beam = run["decoding"]["length_beam"]
            classes = find_method(systems[name]["method"]).length_classes(run["model"])
            if "nar" in systems[name]["manners"] and beam > classes:
                alike.setdefault((beam, classes), []).append(
                    (place, f"{name} can predict {classes} lengths on {corpus}")
                )
    for (beam, _), found in alike.items():
        place, fact = found[0]
        yield InputError(
            f"length_beam is {beam}, and {fact}" + (f" ({len(found) - 1} more such rows)" if len(found) > 1 else ""),
            where=f"{where}: {place}",
            fix="lower `decoding.length_beam` or raise `model.length_classes`",
        )


def pass_problems(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """No table or figure asks a decoder with a fixed number of passes for another."""
    for place, block in blocks_of(tier, SHOWN):
        for name in systems_of(block):
            fixed = fixed_passes(systems[name])
            others = [count for count in block.get("passes", ()) if fixed and count != fixed]
            if others:
                yield InputError(
                    f"{name} decodes in {fixed} pass{'es' * (fixed > 1)}, not in {others[0]}",
                    where=f"{where}: {place}.systems",
                    fix="leave it out there",
                )
