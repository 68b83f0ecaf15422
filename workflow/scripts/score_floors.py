"""Score what a dialogue test set gives to replies that answer nothing."""

from pathlib import Path

from _job import job

with job(snakemake):
    from functools import partial

    from janus.metrics.trivial_baselines import score_floors
    from janus.recipes.by_recipe import judge

    params, tok = snakemake.params, Path(snakemake.input.tok)
    tasks = judge(params.recipe)
    score_floors(
        training_replies=tok / f"train.{params.target}",
        sources=tok / f"test.{params.source}",
        references=tok / f"test.{params.target}",
        output=Path(snakemake.output[0]).parent,
        verdicts=tasks and partial(tasks.verdicts, "reply"),
        facts=dict(snakemake.wildcards),
    )
