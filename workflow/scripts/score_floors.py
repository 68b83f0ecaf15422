"""Score what a dialogue test set gives to replies that answer nothing."""

from pathlib import Path

from _job import job

with job(snakemake):
    from functools import partial

    from janus.corpora.demo_tasks import verdicts
    from janus.metrics.floors import score_floors

    params, tok = snakemake.params, Path(snakemake.input.tok)
    score_floors(
        training_replies=tok / f"train.{params.target}",
        sources=tok / f"test.{params.source}",
        references=tok / f"test.{params.target}",
        output=Path(snakemake.output[0]).parent,
        verdicts=partial(verdicts, "reply") if params.recipe == "demo_reply" else None,
        facts=dict(snakemake.wildcards),
    )
