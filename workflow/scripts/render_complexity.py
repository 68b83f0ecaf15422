"""Render the table of how complex raw and distilled training text is."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.report.complexity import write_complexity

    write_complexity(map(Path, snakemake.input), Path(snakemake.output.md).with_suffix(""))
