"""Rows from given files: these are there, and nothing is asked that they do not have."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from janus.claims.decodings import decoded_modes
from janus.config.checks.problems import Problems
from janus.config.distilled import trained_on
from janus.config.given import decodes, given_of, given_path, is_trained, seeds_of, trainer_of
from janus.config.tiers import SHOWN, blocks_of, entry_of, systems_of, used_systems
from janus.errors import InputError

# Figures of what a training logs, and of speed.
_CURVES, _TIMED = ("figures.figure5", "figures.figure6"), ("figures.figure4",)


def given_problems(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """Every given file of a run that is shown is there, and no table or figure shows what a given row does not have."""
    given = [name for name in used_systems(tier) if given_of(systems[name])]
    for name in given:
        yield from _files(tier, systems, name)
    yield from _shown(tier, systems, where)
    if given and tier["budget"] == "equal":
        yield InputError(
            f"the training of {given[0]} is unknown",
            where=f"{where}: budget",
            fix="leave the row out, or leave out `budget: equal`",
        )


def _files(tier: Mapping[str, Any], systems: Mapping[str, Any], name: str) -> Problems:
    """The files of a given row in every run that is shown, or why they are not named."""
    system, kind = systems[name], given_of(systems[name])
    outputs = kind == "outputs"
    pattern = system["hypotheses"]["files"] if outputs else system["checkpoint"]
    place = f"{entry_of(tier, name)}.{'hypotheses' if outputs else 'checkpoint'}"
    modes: dict[str, list[str]] = {}
    for (corpus, row), found in decoded_modes(tier, systems).items():
        # Of a checkpoint also the runs of rows, and on test sets, that it decodes besides its own.
        if trainer_of(systems, row) == name:
            modes.setdefault(corpus if outputs else trained_on(corpus), []).extend(sorted(found))
    unsaid = list(_unsaid(system, pattern)) if outputs else []
    if len(modes) > 1 and "{corpus}" not in pattern:
        unsaid.append((f"one file for the corpora {', '.join(modes)}", "write {corpus} in the path"))
    for what, fix in unsaid:
        yield InputError(what, where=place, fix=fix)
    if unsaid:
        return
    paths = [
        given_path(system, corpus=corpus, seed=seed, mode=mode)
        for corpus in modes
        for seed in seeds_of(systems, name, tier["seeds"])
        for mode in modes[corpus]
    ]
    for path in dict.fromkeys([*paths, *([system["dictionary"]] if "dictionary" in system else [])]):
        if not Path(path).is_file():
            yield InputError(f"there is no file {path}", where=place, fix="correct the path, or put the file there")


def _unsaid(system: Mapping[str, Any], pattern: str) -> Iterator[tuple[str, str]]:
    """(problem, fix) where a path does not say which decoding made given outputs."""
    if "{mode}" in pattern:
        return
    if len(system["manners"]) > 1:
        yield "one file for both AR and NAR outputs", "write {mode} in the path: ar, nar-<passes>"
    elif "nar" in system["manners"] and "passes" not in system["hypotheses"]:
        yield (
            "nothing says how many decoder passes made them",
            "set `passes`, or write {mode} in the path: nar-<passes>",
        )


def _shown(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """No figure of trainings or speeds, and no baseline of speeds, is a row that has none."""
    for place, block in blocks_of(tier, SHOWN):
        if place in _CURVES and trained_on(corpus := block["corpus"]) != corpus:
            yield InputError(
                f"{corpus} is a further test set, and no training logs it",
                where=f"{where}: {place}.corpus",
                fix=f"name {trained_on(corpus)}",
            )
        for name in systems_of(block):
            trained = is_trained(systems, name) and not systems[name].get("trained_by")
            if place in _CURVES and not trained:
                what = f"{name} has no training of its own, and no curve"
            elif place in _TIMED and not decodes(systems[name]):
                what = f"{name} is not decoded here, and has no speed"
            else:
                continue
            yield InputError(what, where=f"{where}: {place}.systems", fix="leave it out there")
        baseline = block.get("baseline")
        if baseline in systems and not decodes(systems[baseline]):
            yield InputError(
                f"{baseline} is not decoded here, and has no speed",
                where=f"{where}: {place}.baseline",
                fix="name another system",
            )
