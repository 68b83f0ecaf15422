"""Names of a tier: every corpus and system is known, and what is distilled has a teacher."""

from collections.abc import Mapping
from typing import Any

from janus.config.checks.problems import Problems, unknown_name
from janus.config.checks.systems import decodes_as_ar
from janus.config.distilled import raw_of, trained_on, with_distilled
from janus.config.tiers import asked_systems, blocks_of, corpora_of, systems_of
from janus.errors import InputError
from janus.fetching.manifest import Corpus, Text


def name_problems(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    corpora: Mapping[str, Corpus],
    texts: Mapping[str, Text],
    where: object,
) -> Problems:
    """Every name of a corpus or a system is known."""
    for name in tier["corpora"]:
        yield from unknown_name(name, corpora, kind="corpus", where=f"{where}: corpora", file=tier["corpora_file"])
    yield from _distilled(tier, systems, where)
    own = {*tier["corpora"], *tier["distilled"]}
    tests = [name for name in with_distilled(corpora, tier) if name not in own and trained_on(name) in own]
    known_corpora = [*tier["corpora"], *tier["distilled"], *tests, *texts]
    for place, block in blocks_of(tier):
        for name in systems_of(block):
            yield from unknown_name(
                name, systems, kind="system", where=f"{where}: {place}.systems", file=tier["systems_file"]
            )
        for name in (other for own in block.get("systems", ()) for other in asked_systems(tier, "", own)):
            yield from unknown_name(
                name, systems, kind="system", where=f"{tier['systems_file']}: decoding", file=tier["systems_file"]
            )
        for name in corpora_of(block):
            yield from unknown_name(
                name, known_corpora, kind="corpus", where=f"{where}: {place}", file="the list `corpora`"
            )
        for name in block.get("more", {}):
            yield from unknown_name(
                name, block["columns"], kind="column", where=f"{where}: {place}.more", file="`columns`"
            )
        if baseline := block.get("baseline"):
            place = f"{where}: {place}.baseline"
            yield from unknown_name(baseline, systems_of(block), kind="system", where=place, file="its `systems`")


def _distilled(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """What is distilled is a corpus of the tier, and its teacher a system that translates from left to right."""
    for name, entry in tier["distilled"].items():
        place, teacher = f"{where}: distilled.{name}", entry["teacher"]
        yield from unknown_name(raw_of(name), tier["corpora"], kind="corpus", where=place, file="the list `corpora`")
        unknown = list(
            unknown_name(teacher, systems, kind="system", where=f"{place}.teacher", file=tier["systems_file"])
        )
        yield from unknown
        if not unknown and not decodes_as_ar(systems[teacher]):
            yield InputError(
                f"{teacher} does not decode as ar", where=f"{place}.teacher", fix="name another system, as transformer"
            )
