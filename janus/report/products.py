"""The paths of the products of a tier's runs below results/<tier>."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from janus.config.distilled import trained_on
from janus.config.given import decodes, is_trained, seeds_of, trainer_of
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
        """The folders of the runs of one system on one corpus, by seed; of a single given file there is one."""
        seeds = seeds_of(self._systems, system, self._tier["seeds"])
        return {seed: f"{self._results}/{corpus}/{system}/seed-{seed}" for seed in seeds}

    def run_of(self, corpus: str, system: str, seed: int) -> str:
        """The folder of a system's run with a seed, or of its only one where a single file is given for all seeds."""
        runs = self.runs(corpus, system)
        return runs.get(seed) or next(iter(runs.values()))

    def weights(self, corpus: str, system: str, seed: int) -> str:
        """The folder of the run whose weights a system is decoded with.

        It is its own, or that of the row that trains it, on the corpus that a further test set is of.
        """
        return self.run_of(trained_on(corpus), trainer_of(self._systems, system), seed)

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
        checkpoint. Without `passes`, NAR is decoded with the tier's.

        `given` are the records of what is given instead of a training, `trained_by` is the label of the row that
        another one shares the training of, if any.
        """
        block = settings(self._tier, corpus=corpus, system=system)
        mode = manner if manner == "ar" else f"{manner}-{passes or block['decoding']['passes']}"
        runs = self.runs(corpus, system)
        last = block["training"]["average_checkpoints"]
        averaged = averages(self._tier, self._systems[system])
        weights = {seed: self.weights(corpus, system, seed) for seed in runs}
        decodings = {seed: f"{run}/decode/{mode}.bpe.json" for seed, run in runs.items()}
        trainings, given = {seed: f"{run}/train.json" for seed, run in weights.items()}, {}
        if not is_trained(self._systems, system):
            taken = {seed: f"{run}/averaged.json" for seed, run in weights.items()}
            trainings, given = {}, taken if decodes(self._systems[system]) else decodings
        trainer = self._systems[system].get("trained_by")
        return {
            "corpus": corpus,
            "trainings": trainings,
            "decodings": decodings,
            "given": given,
            "trained_by": self._systems[trainer]["label"] if trainer else "",
            "checkpoints": f"mean of the last {last}" if averaged else "of best validation loss",
        }
