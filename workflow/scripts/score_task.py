"""Score the decoded test set of a generation task."""

from pathlib import Path

from _job import job

with job(snakemake):
    from functools import partial

    from janus.corpora.demo_tasks import verdicts
    from janus.metrics.task_files import score_task_file

    params, tok = snakemake.params, Path(snakemake.input.tok)
    generated = params.recipe.startswith("demo_")
    score_task_file(
        task=params.task,
        hypotheses=Path(snakemake.input.hypotheses),
        vocabulary=Path(snakemake.input.vocabulary[0]),
        references=tok / f"test.{params.target}",
        sources=tok / f"test.{params.source}",
        output=Path(snakemake.output[0]),
        verdicts=partial(verdicts, params.task) if generated else None,
        facts=dict(snakemake.wildcards),
    )
