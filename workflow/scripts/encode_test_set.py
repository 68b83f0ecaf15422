"""Encode a further test set with the subwords of its corpus."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.test_set import encode_test_set

    params = snakemake.params
    encode_test_set(
        Path(snakemake.input.tok),
        Path(snakemake.output[0]),
        source=params.source,
        target=params.target,
        codes=Path(snakemake.input.bpe) / "codes",
        vocabulary=next(map(Path, snakemake.input.vocabulary), None),
        longest=params.longest,
    )
