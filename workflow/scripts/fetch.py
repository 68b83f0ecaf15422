"""Fetch one download and verify it."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.corpora.fetch import fetch

    fetch(
        snakemake.params.download, Path(snakemake.output[0]).parent, mirror=snakemake.config["mirror"], progress=True
    )
