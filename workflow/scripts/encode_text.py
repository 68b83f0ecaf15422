"""Encode one file of a pre-training text, out of all parts, and pack it in blocks."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.encode import encode_text

    encode_text(
        [Path(part) / f"{snakemake.wildcards.file}.txt" for part in snakemake.input.parts],
        Path(snakemake.output.blocks),
        Path(snakemake.input.vocabulary),
        block=snakemake.params.block,
        workers=snakemake.threads,
    )
