"""What a tier plans: the rows that its tables and figures show, and how each is decoded."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from janus.claims.decodings import decoded_modes
from janus.config.tiers import runs


def planned_rows(tier: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every training of a checked tier by corpus and system: its label, its seeds, and the ways it is decoded in."""
    modes = decoded_modes(tier, systems)
    return [
        {
            "corpus": corpus,
            "system": system,
            "label": systems[system]["label"],
            "seeds": list(tier["seeds"]),
            "modes": sorted(modes.get((corpus, system), ()), key=lambda mode: (len(mode), mode)),
        }
        for corpus, system in runs(tier, systems)
    ]


def command_of(tier: str, configfiles: Iterable[str | PurePath]) -> str:
    """What, with the path of a product below results/<tier> added, makes it.

    A file of an absolute path is named with its folder alone: the page may go to others.
    """
    paths = [PurePath(path) for path in configfiles]
    shown = [PurePath(*path.parts[-2:]) if path.is_absolute() else path for path in paths]
    named = [word for path in shown for word in ("--configfile", str(path))]
    return f"{shlex.join(['snakemake', '--cores', 'all', *named])} results/{tier}/"
