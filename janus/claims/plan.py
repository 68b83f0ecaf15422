"""The runs and files of a tier that test each of the paper's statements."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from janus.claims.decodings import decoded_modes, tier_passes, timed_modes
from janus.claims.statements import Side, Statement, counted, fillers
from janus.fetching.manifest import Corpus
from janus.metrics.validity import SHARES
from janus.recipes.by_recipe import judge_name
from janus.report.paper_tables import PAPER_TABLES
from janus.report.products import Products
from janus.report.vital_signs import vital_files

# A statement tested on one pair of systems, or the reason why it is not.
Comparison = dict[str, Any]
# system, manner, passes or None for the tier's
_Filler = tuple[str, str, int | None]


class Planner:
    """Finds the comparisons that a checked tier's tables and figures allow, with files below `results`."""

    def __init__(
        self,
        tier: Mapping[str, Any],
        systems: Mapping[str, Mapping[str, Any]],
        corpora: Mapping[str, Corpus],
        results: str,
    ):
        self._tier, self._systems, self._corpora = tier, systems, corpora
        self._products = Products(results, tier, systems, corpora)
        self._decoded, self._timed = decoded_modes(tier, systems), timed_modes(tier, systems)

    def comparisons(self, statements: Sequence[Statement]) -> list[Comparison]:
        """For each statement of the tier, one comparison per pair of systems that fill its rows, or one that says what
        is missing.

        A comparison has `statement` (its id), `left` and `right` (each a system and its decoding, in words) and
        `trials`, one per corpus (see `_trial`); or `statement` and `lacks`.
        """
        wanted = self._tier["claims"].get("ids", [statement.id for statement in statements])
        return [one for statement in statements if statement.id in wanted for one in self._of(statement)]

    def _of(self, statement: Statement) -> list[Comparison]:
        if not statement.tested:
            return [{"statement": statement.id, "lacks": statement.note}]
        lefts, rights = (list(self._fillers(statement, side)) for side in (statement.left, statement.right))
        found = []
        for left, right in self._pairs(lefts, rights):
            trials = [
                self._trial(statement, corpus, left, right)
                for corpus in self._corpora_of(statement)
                if self._has(statement, corpus, left) and self._has(statement, corpus, right)
            ]
            if trials:
                names = {side: _way([trial[side] for trial in trials]) for side in ("left", "right")}
                found.append({"statement": statement.id, **names, "trials": trials})
        return found or [{"statement": statement.id, "lacks": self._lacking(statement, lefts, rights)}]

    def _fillers(self, statement: Statement, side: Side) -> Iterator[_Filler]:
        """(system, manner, passes or None for the tier's) of each system that fills the row of a side."""
        found = {
            (name, manner, side.passes or passes)
            for name, manner, passes in fillers(statement.table, side.row, self._systems)
            if side.manner in ("", manner)
        }
        # In the order of the systems.
        yield from sorted(found, key=lambda filler: list(self._systems).index(filler[0]))

    def _pairs(self, lefts: Sequence[_Filler], rights: Sequence[_Filler]) -> Iterator[tuple[_Filler, _Filler]]:
        """Pair each left with the right of the same system, else of the same pre-training, else with every right."""
        for left in lefts:
            same = [right for right in rights if right[0] == left[0]]
            start = self._systems[left[0]]["start"]
            sisters = [right for right in rights if start and self._systems[right[0]]["start"] == start]
            yield from itertools.product([left], same or sisters or rights)

    def _corpora_of(self, statement: Statement) -> list[str]:
        judged = statement.metric in SHARES
        return [
            name
            for name in self._tier["corpora"]
            if self._corpora[name].task == PAPER_TABLES[statement.table].task
            and (not judged or judge_name(self._corpora[name].recipe))
        ]

    def _has(self, statement: Statement, corpus: str, filler: _Filler) -> bool:
        made = self._timed if statement.is_ratio else self._decoded
        return self._mode(corpus, filler) in made.get((corpus, filler[0]), ())

    def _mode(self, corpus: str, filler: _Filler) -> str:
        system, manner, passes = filler
        return "ar" if manner == "ar" else f"nar-{passes or tier_passes(self._tier, corpus, system)}"

    def _trial(self, statement: Statement, corpus: str, left: _Filler, right: _Filler) -> dict[str, Any]:
        """One corpus: its test set, both sides, and the corresponding text of the paper."""
        return {
            "corpus": corpus,
            "published": self._corpora[corpus].published,
            "test_set": self._products.test_set(corpus),
            "left": self._side(statement, corpus, left),
            "right": self._side(statement, corpus, right),
        }

    def _side(self, statement: Statement, corpus: str, filler: _Filler) -> dict[str, Any]:
        """A system decoded in one way: its outputs with vital signs, or its speeds, by seed; and its origin."""
        mode = self._mode(corpus, filler)
        manner, _, passes = mode.partition("-")
        count = int(passes) if passes else None
        runs = self._products.runs(corpus, filler[0])
        if statement.is_ratio:
            files = {seed: f"{run}/latency.json" for seed, run in runs.items()}
            vital: dict[int, str] = {}
        else:
            files = {seed: f"{run}/decode/{mode}.bpe" for seed, run in runs.items()}
            vital = {seed: vital_files([f"{run}/score/{mode}.json"])[0] for seed, run in runs.items()}
        return {
            "label": self._systems[filler[0]]["label"],
            "manner": manner,
            "passes": count,
            "files": files,
            "vital": vital,
            "origin": self._products.origin(corpus, filler[0], manner, count),
        }

    def _lacking(self, statement: Statement, lefts: Sequence[_Filler], rights: Sequence[_Filler]) -> str:
        sides = {str(statement.left): lefts, str(statement.right): rights}
        lacking = [
            name
            for name, fillers in sides.items()
            if not any(self._has(statement, corpus, one) for corpus in self._corpora_of(statement) for one in fillers)
        ]
        what = "speeds of rows" if statement.is_ratio else "rows"
        if lacking and statement.metric in SHARES and not self._corpora_of(statement):
            return "lacks a generated corpus, whose correct translations are known"
        return f"lacks {what} {' and '.join(lacking)}" if lacking else "lacks a corpus with both rows"


def _way(sides: Sequence[Mapping[str, Any]]) -> str:
    """A system's label, its manner and, if they are the same on every corpus, its passes."""
    label, manner = sides[0]["label"], sides[0]["manner"].upper()
    passes = {side["passes"] for side in sides} - {None}
    suffix = f", {counted(passes.pop())}" if len(passes) == 1 else ""
    return f"{label.removesuffix(f' {manner}')} {manner}{suffix}"


def files_of(comparisons: Sequence[Comparison]) -> dict[str, list[str]]:
    """All inputs of the comparisons, without duplicates: outputs or speeds, vital signs, records of trainings, and the
    folders of test sets and vocabularies."""
    trials = [trial for comparison in comparisons for trial in comparison.get("trials", ())]
    sides = [trial[side] for trial in trials for side in ("left", "right")]
    test_sets = [trial["test_set"] for trial in trials]
    found = {
        "outputs": [path for side in sides for path in side["files"].values()],
        "vital": [path for side in sides for path in side["vital"].values()],
        "trainings": [path for side in sides for path in side["origin"]["trainings"].values()],
        "texts": [str(PurePosixPath(one["references"]).parent) for one in test_sets],
        "vocabularies": [one["vocabulary"] for one in test_sets if one["vocabulary"]],
    }
    return {kind: list(dict.fromkeys(paths)) for kind, paths in found.items()}
