"""Tables of a tier's own: systems by corpora or by metrics, with tests of significance, without a published side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from janus.config.tiers import systems_on
from janus.metrics.scores import TESTED
from janus.report.cells import Cell, Files, OriginOf, Passes, ScoreFiles, opponents
from janus.report.layout import Group, Table, caption, score_text, significance_note
from janus.report.ledger import Reproduced
from janus.report.names import METRICS
from janus.report.overview import QUALITY

# (corpus, system, manner, passes or None for AR, baseline) -> {seed: path of the comparison}, if there is one
TestFiles = Callable[[str, str, str, int | None, str], Files]
_COLUMNS = ("table", "row", "system", "column", "metric", "value", "half_width", "seeds", "p_value", "step_p_value")


def usual_metrics(task: str) -> list[str]:
    """The metrics of a table that names none: the tested one of the task, and those of an overview."""
    return list(dict.fromkeys([TESTED[task], *QUALITY[task]]))


def own_cells(
    name: str,
    block: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    *,
    task: str,
    score_files: ScoreFiles,
    test_files: TestFiles,
    origin_of: OriginOf,
    passes: Passes,
) -> list[Cell]:
    """The cells of the table `name`, as in janus.report.collect: every decoding of every system on each corpus.

    NAR is decoded with each of the block's `passes`, by default with the tier's. task: of all its corpora. A system is
    tested against its `opponents`, in the same decoding.
    """
    cells = []
    for corpus, head in block["columns"].items():
        for system in systems_on(block, corpus):
            for manner in systems[system]["manners"]:
                for count in _passes(block, manner, passes(corpus, system)):
                    cells.append(
                        {
                            "table": name,
                            "row": system,
                            "variant": _variant(systems[system]["label"], manner, count if "passes" in block else None),
                            "column": head,
                            "metric": None,
                            "tested": TESTED[task],
                            "score_files": score_files(corpus, system, manner, count),
                            "origin": origin_of(corpus, system, manner, count),
                            "comparisons": [
                                {
                                    "against": systems[other]["label"],
                                    "step": step,
                                    "files": test_files(corpus, system, manner, count, other),
                                    "origin": origin_of(corpus, other, manner, count),
                                }
                                for other, step in opponents(system, manner, systems_on(block, corpus), systems)
                            ],
                        }
                    )
    return cells


def _passes(block: Mapping[str, Any], manner: str, usual: int) -> Sequence[int | None]:
    return [None] if manner == "ar" else block.get("passes", [usual])


def _variant(label: str, manner: str, passes: int | None) -> str:
    said = f"{label}, {manner.upper()}"
    return said if passes is None else f"{said}, {passes} pass{'es' * (passes > 1)}"


def build_own_table(
    name: str,
    records: Sequence[Reproduced],
    *,
    title: str,
    metrics: Sequence[str],
    tier: str,
    generated: bool,
    origins: Sequence[str] = (),
) -> Table:
    """The table `name` of `records` (janus.report.collect): a column for each corpus and metric.

    origins: notes about the runs, of `janus.report.origins`. Metrics that no record has give no column.
    """
    shown = [record for record in records if record.metric in metrics]
    heads = list(dict.fromkeys(record.column for record in shown))
    present = [metric for metric in metrics if any(record.metric == metric for record in shown)]
    by_place = {(record.row, record.variant, record.column, record.metric): record for record in shown}
    rows = dict.fromkeys((record.row, record.variant) for record in shown)
    return Table(
        name=name,
        caption=caption(title, tier, generated=generated),
        notes=(*_notes(shown, present), *origins),
        labels=("Row", "System"),
        groups=tuple(Group(head, tuple(_heads(present))) for head in heads),
        lines=tuple(
            (*row, *(_text(by_place.get((*row, head, metric))) for head in heads for metric in present)) for row in rows
        ),
        record_columns=_COLUMNS,
        records=tuple(_tidy(name, record) for record in shown),
    )


def _heads(metrics: Sequence[str]) -> list[str]:
    """The heads below each corpus: none where one metric is shown, which the notes name."""
    return [""] if len(metrics) == 1 else [METRICS.get(metric, metric) for metric in metrics]


def _text(record: Reproduced | None) -> str:
    return score_text(record) if record else ""


def _notes(shown: Sequence[Reproduced], metrics: Sequence[str]) -> list[str]:
    notes = []
    for metric in metrics:
        signatures = dict.fromkeys(record.signature for record in shown if record.metric == metric)
        notes.append(f"{METRICS.get(metric, metric)} [{' or '.join(signatures)}].")
    if tested := [record for record in shown if record.comparisons]:
        notes.append(significance_note(tested, METRICS.get(tested[0].metric, tested[0].metric)))
    if counts := sorted({record.seeds for record in shown if record.half_width is not None}):
        notes.append(f"±: 95 % t-interval of the mean over {' or '.join(map(str, counts))} seeds.")
    return notes


def _tidy(name: str, record: Reproduced) -> dict[str, object]:
    found = {one.step: round(one.p_value, 4) for one in reversed(record.comparisons)}
    return {
        "table": name,
        "row": record.row,
        "system": record.variant,
        "column": record.column,
        "metric": record.metric,
        "value": round(record.value, 4),
        "half_width": None if record.half_width is None else round(record.half_width, 4),
        "seeds": record.seeds,
        "p_value": found.get(False),
        "step_p_value": found.get(True),
    }
