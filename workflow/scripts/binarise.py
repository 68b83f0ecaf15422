"""Binarise one corpus for fairseq, both languages under one dictionary."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.binarise import binarise

    binarise(
        Path(snakemake.input.bpe),
        Path(snakemake.output[0]),
        source=snakemake.params.source,
        target=snakemake.params.target,
        dictionary=Path(snakemake.input.vocabulary[0]) / "dict.txt" if snakemake.input.vocabulary else None,
        workers=snakemake.threads,
    )
