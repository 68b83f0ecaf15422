"""Make a distilled corpus of a raw one and its teacher's translations."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.distil import distil
    from janus.text.vocabulary import decoder_of

    distil(
        Path(snakemake.input.record).parent,
        list(map(Path, snakemake.input.parts)),
        Path(snakemake.output.corpus).parent,
        corpus=snakemake.wildcards.corpus,
        teacher=snakemake.params.teacher,
        decode=decoder_of(next(map(Path, snakemake.input.vocabulary), None)),
    )
