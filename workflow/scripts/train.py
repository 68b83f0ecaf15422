"""Train one system on one corpus with one seed; an interrupted training goes on from its last checkpoint."""

from pathlib import Path

from _job import job

with job(snakemake) as terminal:
    from janus.engine.training import train
    from janus.files import sha256, write_json
    from janus.provenance import Stopwatch, provenance
    from janus.runs import open_run

    watch = Stopwatch()
    checkpoints = Path(snakemake.params.checkpoints)
    folders = [snakemake.input.data] if isinstance(snakemake.input.data, str) else snakemake.input.data
    files = [path for folder in folders for path in sorted(Path(folder).iterdir()) if path.is_file()]
    data = {str(path): sha256(path) for path in [*files, *map(Path, snakemake.input.start)]}
    identity = {"arguments": snakemake.params.arguments, "code": snakemake.params.code, "data": data}
    resumed = open_run(checkpoints, identity)
    name = f"{snakemake.wildcards.system} on {snakemake.wildcards.corpus}"
    train(snakemake.params.arguments, log=checkpoints / "log.jsonl", name=name, terminal=terminal)
    write_json(
        Path(snakemake.output[0]),
        provenance(
            watch=watch, device=snakemake.config["device"], **dict(snakemake.wildcards), **identity, resumed=resumed
        ),
    )
