"""Prepare one part of a pre-training text."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.manifest import load_manifest
    from janus.text.pretraining_text import prepare_part

    prepare_part(
        load_manifest(snakemake.config["corpora_file"]).texts[snakemake.wildcards.text],
        snakemake.wildcards.part,
        Path(snakemake.output[0]),
        downloads=Path("resources/downloads"),
        corpora=map(Path, snakemake.params.corpora),
    )
