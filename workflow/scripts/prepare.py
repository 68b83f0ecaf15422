"""Prepare one corpus: tokenised, cleaned, split."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.corpora.prepare import prepare

    prepare(snakemake.params.corpus, Path("resources/downloads"), Path(snakemake.output.corpus).parent)
