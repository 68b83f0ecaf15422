"""Average the last checkpoints of one training, or take the best one; and record of which they are the mean."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.files import sha256, write_json
    from janus.model.averaging import average_checkpoints
    from janus.records.provenance import Stopwatch, provenance
    from janus.training.averaged_checkpoints import chosen_checkpoints

    watch, params, averaged = Stopwatch(), snakemake.params, Path(snakemake.output[0])
    chosen = chosen_checkpoints(Path(params.checkpoints), average=params.average, count=params.last)
    weights = average_checkpoints(chosen, averaged)
    facts = {**dict(snakemake.wildcards), "checkpoints": weights, "sha256": sha256(averaged)}
    write_json(Path(snakemake.output.facts), provenance(watch=watch, **facts))
