"""Binarise one shard of a pre-training text, with its validation blocks, for fairseq."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.binarise import binarise_text

    binarise_text(
        Path(snakemake.input.train),
        Path(snakemake.input.valid),
        Path(snakemake.output[0]),
        dictionary=Path(snakemake.input.vocabulary) / "dict.txt",
        workers=snakemake.threads,
    )
