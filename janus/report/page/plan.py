"""What a tier plans: the rows that its tables and figures show, and how each is decoded."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from janus.claims.decodings import decoded_modes
from janus.config.distilled import trained_on
from janus.config.given import given_of, seeds_of, trainer_of
from janus.config.tiers import runs


def planned_rows(tier: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every row of a checked tier by corpus and system: its label, its seeds, and the ways it is decoded in.

    First come the trainings, then what is decoded without one of its own, with where it is `from`: given rows, second
    decodings of a training, and further test sets.
    """
    modes, trained = decoded_modes(tier, systems), runs(tier, systems)
    text = tier["pretraining"]["text"] if tier["pretraining"] else None
    return [
        {
            "corpus": corpus,
            "system": system,
            "label": systems[system]["label"],
            "from": "" if (corpus, system) in trained else _weights_of(systems, corpus, system),
            # Pre-training is done once, with the first seed.
            "seeds": seeds_of(systems, system, list(tier["seeds"]))[: 1 if corpus == text else None],
            "modes": sorted(modes.get((corpus, system), ()), key=lambda mode: (len(mode), mode)),
        }
        for corpus, system in dict.fromkeys([*trained, *modes])
        if system in systems
    ]


def _weights_of(systems: Mapping[str, Mapping[str, Any]], corpus: str, system: str) -> str:
    """Where a row without a training of its own comes from."""
    trainer = trainer_of(systems, system)
    if given := given_of(systems[trainer]):
        return f"{given} given"
    return f"trained as {trainer} on {trained_on(corpus)}"


def command_of(tier: str, configfiles: Iterable[str | PurePath]) -> str:
    """What, with the path of a product below results/<tier> added, makes it.

    A file of an absolute path is named with its folder alone: the page may go to others.
    """
    paths = [PurePath(path) for path in configfiles]
    shown = [PurePath(*path.parts[-2:]) if path.is_absolute() else path for path in paths]
    named = [word for path in shown for word in ("--configfile", str(path))]
    return f"{shlex.join(['snakemake', '--cores', 'all', *named])} results/{tier}/"
