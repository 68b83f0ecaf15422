"""Which decodings and which speeds the tables and figures of a tier make. Claims are tested on these and add none."""

from collections.abc import Mapping
from typing import Any

from janus.config.given import decodes
from janus.config.tiers import rows_of, settings
from janus.report.paper_tables import PAPER_TABLES

# (corpus, system) -> the ways in which it is decoded: ar, nar-<passes>
Modes = dict[tuple[str, str], set[str]]


def decoded_modes(tier: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> Modes:
    """Every decoding that a table, an overview or Figure 4 of a checked tier shows."""
    nar_alone = {f"table{number}" for number, table in PAPER_TABLES.items() if table.nar_alone}
    found: Modes = {}
    for name, block in _decoding_blocks(tier):
        for corpus, system in rows_of(block):
            passes = block.get("passes") or [tier_passes(tier, corpus, system)]
            found.setdefault((corpus, system), set()).update(
                mode for mode in modes_of(systems[system]["manners"], passes) if mode != "ar" or name not in nar_alone
            )
    return found


def timed_modes(tier: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> Modes:
    """Every decoding whose speed a table, an overview or Figure 4 of a checked tier shows."""
    timed = {f"table{number}" for number, table in PAPER_TABLES.items() if table.timed}
    timed |= {"figure4", *tier["overviews"]}
    found: Modes = {}
    for name, block in _decoding_blocks(tier):
        if name not in timed:
            continue
        for corpus, system in rows_of(block):
            if not decodes(systems[system]):
                continue
            passes = block.get("passes") or [tier_passes(tier, corpus, system)]
            found.setdefault((corpus, system), set()).update(modes_of(systems[system]["manners"], passes))
    return found


def tier_passes(tier: Mapping[str, Any], corpus: str, system: str) -> int:
    """The decoder passes of mask-predict where no table names them."""
    return settings(tier, corpus=corpus, system=system)["decoding"]["passes"]


def modes_of(manners: list[str], passes: Any) -> set[str]:
    """The ways in which a system of these manners is decoded with each of the passes."""
    return {"ar"} & set(manners) | ({f"nar-{count}" for count in passes} if "nar" in manners else set())


def _decoding_blocks(tier: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    figure = tier["figures"].get("figure4")
    return [*tier["tables"].items(), *tier["overviews"].items(), *([("figure4", figure)] if figure else [])]
