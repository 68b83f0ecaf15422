"""Take a given checkpoint as the one of a run, if it fits the corpus."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.decoding.given import take_checkpoint

    inputs = snakemake.input
    take_checkpoint(
        given=Path(inputs.given),
        output=Path(snakemake.output[0]),
        record=Path(snakemake.output.facts),
        dictionary=Path(inputs.data) / f"dict.{snakemake.params.source}.txt",
        own=next(map(Path, inputs.dictionary), None),
        bridge=snakemake.params.bridge,
        facts=dict(snakemake.wildcards),
    )
