"""Make a distilled corpus of a raw one and its teacher's translations."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.distil import distil
    from janus.text.vocabulary import load_encoder

    vocabulary = snakemake.input.vocabulary
    distil(
        Path(snakemake.input.record).parent,
        list(map(Path, snakemake.input.parts)),
        Path(snakemake.output.corpus).parent,
        corpus=snakemake.wildcards.corpus,
        teacher=snakemake.params.teacher,
        **({"decode": load_encoder(Path(vocabulary[0])).decode} if vocabulary else {}),
    )
