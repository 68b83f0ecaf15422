"""Binarise one corpus for fairseq, both languages under one dictionary."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.binarise import binarise

    folder = next(map(Path, snakemake.input.dictionary), None)
    binarise(
        Path(snakemake.input.bpe),
        Path(snakemake.output[0]),
        source=snakemake.params.source,
        target=snakemake.params.target,
        dictionary=folder and folder / snakemake.params.dictionary,
        workers=snakemake.threads,
    )
