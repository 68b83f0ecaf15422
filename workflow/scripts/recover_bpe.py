"""Recover the subwords of a corpus from the binarised data that it is given as."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.manifest import load_manifest
    from janus.recipes.by_recipe import builder

    corpus = load_manifest(snakemake.config["corpora_file"]).corpora[snakemake.wildcards.corpus]
    builder(corpus.recipe).recover(corpus, Path(snakemake.output[0]))
