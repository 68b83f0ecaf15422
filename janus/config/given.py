"""Rows for which nothing is trained: a checkpoint or outputs that somebody else made, and a second decoding of a row.

Paths of an entry are found from the folder of its file. `{corpus}`, `{seed}` and, of outputs, `{mode}` (ar, or
nar-<passes>) in them stand for those of the run; a path without `{seed}` is of one run, which takes the tier's first
seed.
"""

from collections.abc import Mapping
from typing import Any

System = Mapping[str, Any]
Systems = Mapping[str, System]


def given_of(system: System) -> str:
    """What is given of a row: `checkpoint`, `outputs`, or nothing where this suite trains it."""
    if system.get("hypotheses"):
        return "outputs"
    return "checkpoint" if system.get("checkpoint") else ""


def trainer_of(systems: Systems, name: str) -> str:
    """The row that has the weights that a row is decoded with: the one it is trained by, or itself."""
    return systems[name].get("trained_by") or name


def is_trained(systems: Systems, name: str) -> bool:
    """Whether a training of this suite makes the weights of a row, be it that of another row."""
    return not given_of(systems[trainer_of(systems, name)])


def decodes(system: System) -> bool:
    """Whether this suite decodes a row, so that its speed can be measured."""
    return given_of(system) != "outputs"


def given_path(system: System, *, corpus: str, seed: int, mode: str = "") -> str:
    """The path of a given checkpoint, or of the outputs in a mode."""
    named = system["checkpoint"] if given_of(system) == "checkpoint" else system["hypotheses"]["files"]
    for name, value in (("corpus", corpus), ("seed", str(seed)), ("mode", mode)):
        named = named.replace(f"{{{name}}}", value)
    return named


def seeds_of(systems: Systems, name: str, seeds: list[int]) -> list[int]:
    """The seeds of a row's runs: those of the tier, or the first where a single file is given for all."""
    system = systems[trainer_of(systems, name)]
    if not given_of(system):
        return seeds
    pattern = system.get("checkpoint") or system["hypotheses"]["files"]
    return seeds if "{seed}" in pattern else seeds[:1]
