"""`janus claims`: the paper's claims tested on the runs of a tier, complete or in progress."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.claims.evaluate import Outcome, evaluate
from janus.claims.forest import draw_forest
from janus.claims.plan import Comparison, Planner
from janus.claims.table import build_claims_table
from janus.config.run_config import config_of_run
from janus.data import PUBLISHED
from janus.errors import InputError
from janus.files import require_writable, with_ending
from janus.report.names import generated_text
from janus.report.published import load_published
from janus.report.tables import to_markdown, write_table


def claims_of_run(run: Path, configfile: Path | None = None, write: Path | None = None) -> str:
    """The table of the claims of a run as Markdown.

    run: results/<tier>. configfile: the tier's file, config/<tier>.yaml unless given. With `write`, a stem, the table
    and the plot are written too, as the workflow does. What is not decoded yet is left out, seed by seed, and a claim
    of which nothing is there stands in the table as not tested.
    Raises InputError for a folder that is none of a run, a file that is not the tier's, and broken files.
    """
    run = Path(run)
    if not run.is_dir():
        raise InputError("no such folder", where=run, fix="give the folder of a run, results/<tier>")
    if write is not None:
        require_writable(with_ending(write, ".md"))
    config = config_of_run(run, configfile)
    tier, corpora, statements = config.tier, config.manifest.corpora, config.statements
    published = load_published(PUBLISHED)
    planned = Planner(tier, config.systems, corpora, str(run)).comparisons(statements)
    resamples = tier["claims"]["resamples"]
    outcomes = evaluate([finished(one) for one in planned], statements, resamples=resamples)
    facts = {"tier": tier["tier"], "generated": generated_text(corpora[name].recipe for name in tier["corpora"])}
    table = build_claims_table(outcomes, published, **facts, resamples=resamples)
    if write is not None:
        write_table(table, write)
        if _tested(outcomes):
            draw_forest(outcomes, published, write, **facts)
    return to_markdown(table)


def finished(comparison: Comparison) -> Comparison:
    """The part of a comparison whose files exist, seed by seed; one that lacks its runs where nothing does."""
    if "lacks" in comparison:
        return comparison
    trials = [trial for trial in map(_finished_trial, comparison["trials"]) if trial["left"]["files"]]
    if trials:
        return comparison | {"trials": trials}
    return {"statement": comparison["statement"], "lacks": "nothing of it is decoded yet"}


def _finished_trial(trial: Mapping[str, Any]) -> dict[str, Any]:
    sides = [trial["left"], trial["right"]]
    seeds = [seed for seed in sides[0]["files"] if all(_has_seed(side, seed) for side in sides)]
    left, right = (_of_seeds(side, seeds) for side in sides)
    return {**trial, "left": left, "right": right}


def _has_seed(side: Mapping[str, Any], seed: int) -> bool:
    files = [
        by_seed[seed] for by_seed in (side["files"], side["vital"], side["origin"]["trainings"]) if seed in by_seed
    ]
    return seed in side["files"] and all(Path(path).is_file() for path in files)


def _of_seeds(side: Mapping[str, Any], seeds: Sequence[int]) -> dict[str, Any]:
    def chosen(by_seed: Mapping[int, str]) -> dict[int, str]:
        return {seed: path for seed, path in by_seed.items() if seed in seeds}

    origin = {**side["origin"], **{kind: chosen(side["origin"][kind]) for kind in ("trainings", "decodings", "given")}}
    return {**side, "files": chosen(side["files"]), "vital": chosen(side["vital"]), "origin": origin}


def _tested(outcomes: Sequence[Outcome]) -> bool:
    return any(one.effects for one in outcomes)
