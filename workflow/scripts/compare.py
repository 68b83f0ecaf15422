"""Compare one system's decoded test set with its baseline's by two tests of significance."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.metrics.files import compare_files

    compare_files(
        baseline=Path(snakemake.input.baseline),
        system=Path(snakemake.input.system),
        references=Path(snakemake.input.tok) / f"test.{snakemake.params.target}",
        output=Path(snakemake.output[0]),
        facts=dict(snakemake.wildcards),
    )
