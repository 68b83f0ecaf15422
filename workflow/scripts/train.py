"""Train one system on one corpus with one seed; an interrupted training goes on from its last checkpoint."""

import sys
from pathlib import Path

from _job import job

with job(snakemake) as terminal:
    from janus.files import write_json
    from janus.records.identity import training_identity
    from janus.records.provenance import Stopwatch, provenance
    from janus.training.lock import folder_lock
    from janus.training.logs import read_parameters
    from janus.training.precision import with_precision
    from janus.training.resuming import open_run
    from janus.training.run import train
    from janus.training.tensorboard import tensorboard_words

    watch = Stopwatch()
    params, data = snakemake.params, snakemake.input.data
    checkpoints = Path(params.checkpoints)
    folders = [data] if isinstance(data, str) else data
    name = f"{snakemake.wildcards.system} on {snakemake.wildcards.corpus}"
    device = snakemake.config["device"]
    with folder_lock(checkpoints, terminal=terminal) as lock:
        arguments = with_precision(params.arguments, device=device, checkpoints=checkpoints)
        identity = training_identity(
            arguments, code=params.code, folders=folders, files=[*snakemake.input.start, *snakemake.input.method]
        )
        resumed = open_run(checkpoints, identity, terminal=terminal)
        log = checkpoints / "log.jsonl"
        words = [*arguments, *tensorboard_words(snakemake.config["tensorboard"], checkpoints / "tensorboard")]
        train(words, log=log, name=name, terminal=terminal, report=sys.stdout, lock=lock)
        facts = {**dict(snakemake.wildcards), **identity, "parameters": read_parameters(log), "resumed": resumed}
        record = provenance(watch=watch, device=device, **facts)
        write_json(Path(snakemake.output[0]), record)
