"""Score the decoded test set of a generation task, and take its vital signs."""

from pathlib import Path

from _job import job

with job(snakemake):
    from functools import partial

    from janus.metrics.task_files import score_task_file
    from janus.metrics.vital_signs import write_vital_signs
    from janus.recipes.by_recipe import judge
    from janus.text.vocabulary import decoder_of

    params, tok = snakemake.params, Path(snakemake.input.tok)
    tasks = judge(params.recipe)
    vocabulary = next(map(Path, snakemake.input.vocabulary), None)
    score_task_file(
        task=params.task,
        hypotheses=Path(snakemake.input.hypotheses),
        vocabulary=vocabulary,
        references=tok / f"test.{params.target}",
        sources=tok / f"test.{params.source}",
        output=Path(snakemake.output[0]),
        verdicts=tasks and partial(tasks.verdicts, params.task),
        facts=dict(snakemake.wildcards),
    )
    write_vital_signs(
        Path(snakemake.output.vital),
        hypotheses=Path(snakemake.input.hypotheses),
        references=tok / f"test.{params.target}",
        sources=tok / f"test.{params.source}",
        decode=decoder_of(vocabulary),
        fewer=next(map(Path, snakemake.input.fewer), None),
        expected=params.expected,
        facts=dict(snakemake.wildcards),
    )
