"""Compare one system's decoded test set of a generation task with its baseline's by two tests of significance."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.metrics.task_files import compare_task_files

    tok = Path(snakemake.input.tok)
    compare_task_files(
        task=snakemake.params.task,
        baseline=Path(snakemake.input.baseline),
        system=Path(snakemake.input.system),
        vocabulary=next(map(Path, snakemake.input.vocabulary), None),
        references=tok / f"test.{snakemake.params.target}",
        sources=tok / f"test.{snakemake.params.source}",
        output=Path(snakemake.output[0]),
        facts=dict(snakemake.wildcards),
    )
