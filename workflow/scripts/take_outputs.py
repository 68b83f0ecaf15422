"""Bring given outputs of a test set into the form in which decoded ones are scored."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.text.given import take_outputs

    inputs, params = snakemake.input, snakemake.params
    take_outputs(
        given=Path(inputs.given),
        tokenised=params.tokenised,
        references=Path(inputs.tok) / f"test.{params.target}",
        raw_references=Path(inputs.raw) / f"test.{params.target}",
        output=Path(snakemake.output.hypotheses),
        language=params.target,
        folded=params.lowercase,
        codes=Path(inputs.bpe) / "codes",
        vocabulary=next(map(Path, inputs.vocabulary), None),
        facts=dict(snakemake.wildcards),
    )
