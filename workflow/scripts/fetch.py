"""Fetch one download and verify it."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.fetch import fetch
    from janus.fetching.manifest import load_manifest
    from janus.fetching.terms import require_leave
    from janus.text.documents import require_readers

    download = load_manifest(snakemake.config["corpora_file"]).downloads[snakemake.wildcards.download]
    folder = Path(snakemake.output[0]).parent
    mirror = snakemake.config["mirror"]
    require_readers([download.name])
    require_leave(download, folder, accepted=snakemake.config["accept"], mirror=mirror)
    fetch(download, folder, mirror=mirror)
