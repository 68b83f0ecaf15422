"""The results of a run as a page of Markdown for docs/: claims, tables, figures, costs, and what it does not show.

It is for tracked evidence (`janus evidence`), whose pictures it links; `janus.report.page` makes the page to send.
"""

import os
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from janus.claims.verdicts import CONTRADICTED, NOT_TESTED, SUPPORTED, UNDECIDED
from janus.config.run_config import ROOT, RunConfig
from janus.errors import InputError
from janus.files import read_lines, write_lines
from janus.planning.costs import Costs
from janus.report.csvfile import markdown_grid, read_rows
from janus.report.page.numbers import Numbers
from janus.report.page.plan import planned_rows
from janus.report.page.records import Records, energy_text, seconds_text
from janus.report.page.status import status
from janus.report.page.table_file import read_caption
from janus.report.paper_tables import PAPER_TABLES
from janus.training.logs import read_curves

_FIGURES = ("figure4", "figure5", "figure6")


@dataclass(frozen=True)
class Cost:
    """What the trainings of a row took, as means over its seeds.

    updates: until each ended, of at most `most`; flop: counted as `janus plan` does, validation included; joules: by
    kind of device, where all trainings have them.
    """

    corpus: str
    label: str
    seeds: int
    updates: float
    most: int
    seconds: float
    resumed: bool
    flop: float
    weights: int
    joules: Mapping[str, float]


def write_results(run: Path, config: RunConfig, page: Path) -> None:
    """Write the page of the run in a folder, results/<tier> or a copy of its evidence, with links from where it is.

    Raises InputError where there are no tables, and for records that are broken.
    """
    run, page = Path(run), Path(page)
    if not any((run / "tables").glob("*.md")):
        raise InputError("no tables", where=run, fix="give the folder of a run, results/<tier>, with rendered tables")
    write_lines(page, results_lines(run, config, page.parent))


def results_lines(run: Path, config: RunConfig, folder: Path) -> list[str]:
    """The lines of the page. folder: where the page is, from which its links start."""
    numbers = Numbers(Records(run, config.tier["tier"]))
    state = status(run, numbers, planned_rows(config.tier, config.systems))
    costs = list(costs_of(run, config))
    verdicts = _verdicts(run)
    link = _Links(run, folder)
    return [
        "# Results",
        "",
        *_head(config, state),
        *_claims(run, verdicts, link),
        *_tables(run),
        *_pictures(run, link),
        *_costs(costs),
        *_limits(config, state, verdicts, costs),
    ]


def costs_of(run: Path, config: RunConfig) -> Iterator[Cost]:
    """What each trained row of a run took."""
    counted = Costs(config)
    for folder in sorted({path.parents[1] for path in run.glob("*/*/seed-*/train.json")}):
        corpus, system = folder.parts[-2:]
        if system not in config.systems or (corpus, system) not in planned(config):
            continue
        records = Records(run, config.tier["tier"])
        trainings = [
            record
            for path in sorted(folder.glob("seed-*/train.json"))
            if (record := records.read(str(path.relative_to(run)))) is not None
        ]
        updates = statistics.fmean(_last_update(path) for path in folder.glob("seed-*/checkpoints/log.jsonl"))
        plan = counted.training(corpus, system)
        joules = [training.get("energy_joules", {}) for training in trainings]
        kinds = set.intersection(*map(set, joules))
        yield Cost(
            corpus=corpus,
            label=config.systems[system]["label"],
            seeds=len(trainings),
            updates=updates,
            most=plan.updates,
            seconds=statistics.fmean(training["wall_seconds"] for training in trainings),
            resumed=any(training.get("resumed") for training in trainings),
            flop=plan.work.flop / plan.seeds * updates / plan.updates,
            weights=int(trainings[0].get("parameters") or plan.parameters),
            joules={kind: statistics.fmean(one[kind] for one in joules) for kind in sorted(kinds)},
        )


def planned(config: RunConfig) -> set[tuple[str, str]]:
    """The rows that the tier trains, by corpus and system."""
    return {(row["corpus"], row["system"]) for row in planned_rows(config.tier, config.systems) if not row["from"]}


def _last_update(log: Path) -> int:
    updates = [row["updates"] for row in read_curves(log)]
    if not updates:
        raise InputError("no validation in it", where=log, fix="keep the log of the training")
    return max(updates)


class _Links:
    """Paths of files of the run, as a page in `folder` links them."""

    def __init__(self, run: Path, folder: Path):
        self._run, self._folder = run, folder

    def picture(self, stem: str) -> str | None:
        """The address of a figure; None where the run has not drawn it."""
        path = self._run / "figures" / f"{stem}.svg"
        return self.to(path) if path.is_file() else None

    def to(self, path: Path) -> str:
        """The address of a file."""
        return Path(os.path.relpath(path, self._folder)).as_posix()


def _head(config: RunConfig, state: Mapping[str, Any]) -> list[str]:
    revisions = ", ".join(one["revision"][:7] + ("-dirty" if one["dirty"] else "") for one in state["revisions"])
    rows, done = len(state["rows"]), state["done"]
    return [
        f"The tier `{config.tier['tier']}`: {state['trainings']} trainings, {state['training']} in all, finished from",
        f"{state['first']} to {state['last']} on {' and '.join(state['devices'])}; revision {revisions}.",
        *([] if done == rows else [f"**{done} of {rows} rows are finished.**"]),
        "",
        "`janus results` writes this page from the records of the run; nothing in it is written by hand.",
        "",
    ]


def _verdicts(run: Path) -> list[dict[str, str]]:
    """The records of the lines with a verdict in the table of the claims; empty where none were judged."""
    path = run / "tables/claims.csv"
    return [record for record in read_rows(path) if record["verdict"]] if path.is_file() else []


def _claims(run: Path, verdicts: Sequence[Mapping[str, str]], link: _Links) -> Iterator[str]:
    if not verdicts:
        return
    counts = Counter(record["verdict"] for record in verdicts)
    words = [f"{counts[word]} {word}" for word in (SUPPORTED, CONTRADICTED, UNDECIDED, NOT_TESTED) if counts[word]]
    how = f"[how they are judged]({link.to(ROOT / 'docs/claims.md')})"
    yield from ("## Claims", "", f"{len(verdicts)} tests of claims: {', '.join(words)} ({how}).", "")
    if picture := link.picture("claims"):
        yield from (f"![Effects of the claims with their 95 % intervals]({picture})", "")
    yield from (*read_lines(run / "tables/claims.md"), "")


def _tables(run: Path) -> Iterator[str]:
    """The tables of the paper of which the run has reproduced a row."""
    for number in PAPER_TABLES:
        records = run / f"tables/table{number}.csv"
        if records.is_file() and any(record.get("reproduced") for record in read_rows(records)):
            yield from (f"## Table {number}", "", *read_lines(run / f"tables/table{number}.md"), "")


def _pictures(run: Path, link: _Links) -> Iterator[str]:
    shown = [(stem, picture) for stem in _FIGURES if (picture := link.picture(stem))]
    if shown:
        yield from ("## Figures", "")
    for stem, picture in shown:
        caption = run / f"figures/{stem}.md"
        text = read_caption(caption) if caption.is_file() else f"Figure {stem[-1]}"
        yield from (f"![{text}]({picture})", "", f"*{text}*", "")


def _costs(costs: Sequence[Cost]) -> Iterator[str]:
    if not costs:
        return
    heads = ["Row", "Corpus", "Seeds", "Updates", "Time", "PFLOP", "M weights"]
    energy = any(cost.joules for cost in costs)
    lines = [
        [
            cost.label,
            cost.corpus,
            str(cost.seeds),
            f"{cost.updates:,.0f} of {cost.most:,}",
            f"{seconds_text(cost.seconds)}{' *' if cost.resumed else ''}",
            f"{cost.flop / 1e15:.3g}",
            f"{cost.weights / 1e6:.3g}",
            *([energy_text(cost.joules) or "–"] if energy else []),
        ]
        for cost in costs
    ]
    grid = markdown_grid(heads + ["Energy"] * energy, [":---"] * 2 + ["---:"] * (len(lines[0]) - 2), lines)
    yield from ("## What a training cost", "", *grid.splitlines(), "")
    yield "Means over seeds. Arithmetic is counted as `janus plan` counts it, validation included."
    if any(cost.resumed for cost in costs):
        yield ""
        yield "\\* A training of it was resumed; the time is that of its last part."
    yield ""


def _limits(
    config: RunConfig, state: Mapping[str, Any], verdicts: Sequence[Mapping[str, str]], costs: Sequence[Cost]
) -> Iterator[str]:
    """What a reader may not take from the page."""
    corpora = sorted({cost.corpus for cost in costs})
    sizes = sorted({f"{cost.weights / 1e6:.3g}" for cost in costs}, key=float)
    seeds = len(config.tier["seeds"])
    yield from ("## What this does not show", "")
    yield f"- Anything about text other than {_listed(corpora)}."
    yield f"- Anything about models of other sizes than {_listed(sizes)} million weights."
    yield (
        "- Whether a result would hold with other seeds: there is one."
        if seeds == 1
        else f"- Differences too small for {seeds} seeds: a claim that is undecided may still be true."
    )
    for word in (UNDECIDED, NOT_TESTED):
        names = [_named(record, word) for record in verdicts if record["verdict"] == word]
        if names:
            yield f"- {word.capitalize()}: {'; '.join(dict.fromkeys(names))}."
    for one in state["degenerate"]:
        yield f"- Degenerate output, whose scores mean nothing: {one['row']} ({one['why']})."
    missing = [f"{row['label']} on {row['corpus']}" for row in state["rows"] if row["state"] != "finished"]
    if missing:
        yield f"- Rows that are not finished: {', '.join(missing)}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _named(record: Mapping[str, str], word: str) -> str:
    if word == NOT_TESTED:
        return f"{record['claim']}, {record['reason']}"
    return f"{record['claim']} ({record['left']} against {record['right']})"
