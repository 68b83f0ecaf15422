"""Fetch one download and verify it."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.corpora.documents import require_readers
    from janus.corpora.fetch import fetch
    from janus.corpora.manifest import load_downloads
    from janus.corpora.terms import require_leave

    download = load_downloads(snakemake.config["corpora_file"])[snakemake.wildcards.download]
    folder = Path(snakemake.output[0]).parent
    mirror = snakemake.config["mirror"]
    require_readers([download.name])
    require_leave(download, folder, accepted=snakemake.config["accept"], mirror=mirror)
    fetch(download, folder, mirror=mirror)
