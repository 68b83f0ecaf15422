"""From the files of a tier's runs to the effect and the verdict of each of the paper's claims."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from janus.claims.effects import Effect, mean_effect, paired_effect, ratio_effect
from janus.claims.plan import Comparison
from janus.claims.statements import Statement
from janus.claims.verdicts import NOT_TESTED, Verdict, judge
from janus.errors import InputError
from janus.metrics.sentence_statistics import MEASURES_BY_METRIC, TestSet, sentence_statistics
from janus.recipes.by_recipe import checker
from janus.report.inequalities import differences
from janus.report.speeds import latency
from janus.report.vital_signs import read_signs

# (metric, outputs, test set) -> statistics [N, K]
_Statistics = Callable[[str, Path, TestSet], NDArray]


@dataclass(frozen=True)
class CorpusEffect:
    """The effect on one corpus; `published` names the paper's text if it is the same, otherwise it is empty."""

    corpus: str
    published: str
    effect: Effect


@dataclass(frozen=True)
class Outcome:
    """A statement tested on one pair of systems: on each corpus, over all of them, and with caveats.

    `left` and `right` are the labels of the systems, empty if the statement was not tested. `notes` list differences
    between the sides and degenerate outputs. `pooled` is the mean over corpora.
    """

    statement: Statement
    left: str
    right: str
    effects: tuple[CorpusEffect, ...]
    pooled: Effect | None
    verdict: Verdict
    notes: tuple[str, ...] = ()


def evaluate(comparisons: Sequence[Comparison], statements: Sequence[Statement], *, resamples: int) -> list[Outcome]:
    """The outcome of each comparison (janus.claims.plan), in their order.

    Raises InputError for a missing or broken file, and if the sides have no common seed or different sentences.
    """
    by_id = {one.id: one for one in statements}
    # A decoded file takes part in many comparisons.
    statistics = cache(sentence_statistics)
    return [_outcome(by_id[one["statement"]], one, statistics, resamples) for one in comparisons]


def _outcome(statement: Statement, comparison: Comparison, statistics: _Statistics, resamples: int) -> Outcome:
    if "lacks" in comparison:
        return Outcome(statement, "", "", (), None, Verdict(NOT_TESTED, comparison["lacks"]))
    trials = comparison["trials"]
    effects = [_effect(statement, trial, statistics, resamples) for trial in trials]
    dead = [text for trial in trials for text in _degenerate(trial, expected=False)]
    return Outcome(
        statement=statement,
        left=comparison["left"],
        right=comparison["right"],
        effects=tuple(
            CorpusEffect(trial["corpus"], trial["published"], effect)
            for trial, effect in zip(trials, effects, strict=True)
        ),
        pooled=mean_effect(effects),
        verdict=judge(effects, statement.bound, statement.sign, degenerate=bool(dead)),
        notes=tuple(_notes(trials)),
    )


def _effect(statement: Statement, trial: Mapping[str, Any], statistics: _Statistics, resamples: int) -> Effect:
    left, right = (trial[side] for side in ("left", "right"))
    seeds = sorted(set(left["files"]) & set(right["files"]))
    if not seeds:
        raise InputError(
            f"no seed that {left['label']} and {right['label']} share on {trial['corpus']}",
            where=f"claim {statement.id}",
            fix="train both with the same seeds",
        )
    if statement.is_ratio:
        ours, theirs = (
            [latency(Path(side["files"][seed]), side["manner"], side["passes"]) for seed in seeds]
            for side in (left, right)
        )
        return ratio_effect(theirs, ours)
    test_set = _test_set(trial["test_set"])
    sides = [
        [statistics(statement.metric, Path(side["files"][seed]), test_set) for seed in seeds] for side in (left, right)
    ]
    lengths = {len(one) for side in sides for one in side}
    if len(lengths) > 1:
        raise InputError(
            f"decoded files of {' and '.join(map(str, sorted(lengths)))} sentences",
            where=left["files"][seeds[0]],
            fix="decode the test set again with both",
        )
    return paired_effect(*map(np.stack, sides), MEASURES_BY_METRIC[statement.metric].score, resamples=resamples)


def _test_set(paths: Mapping[str, Any]) -> TestSet:
    vocabulary, task, judge = paths["vocabulary"], paths["task"], paths["judge"]
    return TestSet(
        task,
        Path(paths["references"]),
        Path(paths["sources"]),
        Path(vocabulary) if vocabulary else None,
        checker(*judge) if judge and task == "translation" else None,
    )


def _notes(trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """Differences between the trainings of both sides and degenerate outputs, with their corpora."""
    found: dict[str, list[str]] = {}
    for trial in trials:
        left, right = trial["left"], trial["right"]
        unequal = differences(left["origin"], right["origin"])
        texts = [f"unequal: {'; '.join(unequal)}"] if unequal else []
        texts += _degenerate(trial, expected=True) + _degenerate(trial, expected=False)
        for text in texts:
            found.setdefault(text, []).append(trial["corpus"])
    return [
        text if len(corpora) == len(trials) else f"{text} ({', '.join(corpora)})" for text, corpora in found.items()
    ]


def _degenerate(trial: Mapping[str, Any], *, expected: bool) -> list[str]:
    """The degenerate outputs of a trial, with reasons: either those expected of their system, or the others."""
    return [
        f"degenerate: {side['label']} ({'; '.join(dict.fromkeys(reasons))})"
        for side in (trial["left"], trial["right"])
        if (
            reasons := [
                one.verdict
                for one in read_signs(side["vital"].values())
                if one.reasons and bool(one.expected) == expected
            ]
        )
    ]
