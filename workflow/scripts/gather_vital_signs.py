"""Gather the vital signs of all decoded files that the tables show."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.report.vital_signs import read_signs, write_signs

    write_signs(read_signs(snakemake.input), Path(snakemake.output.md).with_suffix(""))
