"""Turn one training's log into the rows of Figures 5 and 6."""

from pathlib import Path

from _job import job

with job(snakemake):
    import pandas

    from janus.files import atomic_writer
    from janus.training.logs import read_curves

    with atomic_writer(Path(snakemake.output[0])) as stream:
        pandas.DataFrame(read_curves(Path(snakemake.params.log))).to_csv(stream, index=False)
