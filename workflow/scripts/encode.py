"""Encode one corpus with the vocabulary it shares with a pre-training text."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.encode import encode_corpus

    encode_corpus(
        Path(snakemake.input.corpus).parent,
        Path(snakemake.input.vocabulary[0]),
        workers=snakemake.threads,
        progress=False,
    )
