"""Average the last checkpoints of one training, or take the best one."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.model.checkpoints import average_checkpoints
    from janus.runs import chosen_checkpoints

    params = snakemake.params
    chosen = chosen_checkpoints(Path(params.checkpoints), average=params.average, count=params.last)
    average_checkpoints(chosen, Path(snakemake.output[0]))
