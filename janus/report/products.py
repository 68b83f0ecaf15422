"""The paths of the products of a tier's runs below results/<tier>."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from janus.config.tiers import averages, settings
from janus.fetching.manifest import Corpus
from janus.recipes.by_recipe import judge_name


class Products:
    """The files of a checked tier; see workflow/Snakefile for the layout.

    results: results/<tier>. Paths are strings, as Snakemake expects.
    """

    def __init__(
        self,
        results: str | PurePosixPath,
        tier: Mapping[str, Any],
        systems: Mapping[str, Mapping[str, Any]],
        corpora: Mapping[str, Corpus],
    ):
        self._results, self._tier, self._systems, self._corpora = str(results), tier, systems, corpora

    def runs(self, corpus: str, system: str) -> dict[int, str]:
        """The folders of the runs of one system on one corpus, by seed."""
        return {seed: f"{self._results}/{corpus}/{system}/seed-{seed}" for seed in self._tier["seeds"]}

    def test_set(self, corpus: str) -> dict[str, Any]:
        """The test set of a corpus: its task, tokenised references and sources, vocabulary, and, of generated text,
        recipe and languages, which find its judge."""
        entry = self._corpora[corpus]
        tokenised = f"{self._results}/{corpus}/corpus/tok"
        return {
            "task": entry.task,
            "references": f"{tokenised}/test.{entry.target}",
            "sources": f"{tokenised}/test.{entry.source}",
            "vocabulary": f"{self._results}/vocabularies/{entry.vocabulary}" if entry.vocabulary else None,
            "judge": [entry.recipe, entry.source, entry.target] if judge_name(entry.recipe) else None,
        }

    def origin(self, corpus: str, system: str, manner: str, passes: int | None = None) -> dict[str, Any]:
        """The runs of a system decoded in a manner, for the notes of a table: their records, and the decoded
        checkpoint. Without `passes`, NAR is decoded with the tier's."""
        block = settings(self._tier, corpus=corpus, system=system)
        mode = manner if manner == "ar" else f"{manner}-{passes or block['decoding']['passes']}"
        runs = self.runs(corpus, system)
        last = block["training"]["average_checkpoints"]
        averaged = averages(self._tier, self._systems[system])
        return {
            "corpus": corpus,
            "trainings": {seed: f"{run}/train.json" for seed, run in runs.items()},
            "decodings": {seed: f"{run}/decode/{mode}.bpe.json" for seed, run in runs.items()},
            "checkpoints": f"mean of the last {last}" if averaged else "of best validation loss",
        }
