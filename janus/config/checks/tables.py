"""Tables and figures of a tier: names that are free, metrics that are computed, curves that have data."""

from collections.abc import Mapping
from typing import Any

from janus.config.checks.problems import Problems, unknown_name
from janus.config.tiers import settings, systems_of
from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.report.names import generated_text, scored_metrics
from janus.report.paper_tables import PAPER_TABLES

# Files that the workflow writes beside the tables and figures of a tier.
_TAKEN = ("claims", "complexity", "vital-signs", *(f"figure{number}" for number in (2, 4, 5, 6)))
_PARTS = ("-cells", "-metrics", "-tests", "-vital-signs")
_PAPERS = tuple(f"table{number}" for number in PAPER_TABLES)


def table_name_problems(tier: Mapping[str, Any], where: object) -> Problems:
    """No table of the tier's own and no overview has a name that makes it the same file as another product."""
    for name in tier["overviews"]:
        if name in tier["tables"]:
            yield InputError(
                f"there is a table {name} too", where=f"{where}: overviews.{name}", fix="give one of them another name"
            )
    own = [("tables", name) for name in tier["tables"] if name not in _PAPERS]
    for kind, name in [*own, *(("overviews", name) for name in tier["overviews"])]:
        if name in (*_TAKEN, *(_PAPERS if kind == "overviews" else ())):
            said = f"{name} is the name of another product"
        elif name.endswith(_PARTS):
            said = f"names that end in {name[name.rindex('-') :]} are those of companion tables"
        else:
            continue
        yield InputError(said, where=f"{where}: {kind}.{name}", fix="give it another name")


def metric_problems(tier: Mapping[str, Any], corpora: Mapping[str, Corpus], where: object) -> Problems:
    """Every metric that a table of the tier's own names is computed on all of its corpora."""
    for name, block in tier["tables"].items():
        for corpus in block.get("columns", ()) if block.get("metrics") else ():
            found = corpora[corpus]
            known = scored_metrics(found.task, generated=generated_text([found.recipe]))
            for metric in block["metrics"]:
                place, file = f"{where}: tables.{name}.metrics", f"the scores of {corpus}"
                yield from unknown_name(metric, known, kind="metric", where=place, file=file)


def curve_problems(tier: Mapping[str, Any], where: object) -> Problems:
    """Each system of Figure 5 computes validation BLEU, which it shows."""
    block = tier["figures"].get("figure5")
    for name in systems_of(block) if block else ():
        training = settings(tier, corpus=block["corpus"], system=name)["training"]
        if not training["valid_bleu_sentences"]:
            yield InputError(
                f"{name} computes no validation BLEU, which the figure shows",
                where=f"{where}: figures.figure5",
                fix="set `training.valid_bleu_sentences`, or leave the figure out",
            )
