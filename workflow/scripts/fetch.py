"""Fetch one download and verify it."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.corpora.fetch import fetch
    from janus.corpora.manifest import Download

    folder = Path(snakemake.output[0]).parent
    fetch(Download(**snakemake.params.download), folder, mirror=snakemake.config["mirror"])
