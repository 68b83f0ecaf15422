"""Prepare one corpus: tokenised, cleaned, split."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.manifest import load_manifest
    from janus.text.prepare import prepare

    corpus = load_manifest(snakemake.config["corpora_file"]).corpora[snakemake.wildcards.corpus]
    prepare(corpus, Path("resources/downloads"), Path(snakemake.output.corpus).parent)
