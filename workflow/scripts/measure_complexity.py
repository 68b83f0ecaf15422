"""Measure how complex the raw and the distilled training text of a corpus are."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.metrics.complexity import measure_files

    params, raw, distilled = snakemake.params, Path(snakemake.input.raw), Path(snakemake.input.distilled)
    measure_files(
        source=raw / f"train.{params.source}",
        raw=raw / f"train.{params.target}",
        distilled=distilled / f"train.{params.target}",
        record=Path(snakemake.input.record),
        output=Path(snakemake.output[0]),
    )
