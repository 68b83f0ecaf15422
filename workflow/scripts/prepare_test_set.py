"""Prepare a further test set of a corpus, as its own was."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.test_set import prepare_test_set

    params = snakemake.params
    prepare_test_set(
        snakemake.wildcards.corpus,
        dict(zip((params.source, params.target), map(Path, snakemake.input.own), strict=True)),
        Path(snakemake.input.corpus).parent,
        Path(snakemake.output.corpus).parent,
        tokenised=params.tokenised,
        folded=params.lowercase,
    )
