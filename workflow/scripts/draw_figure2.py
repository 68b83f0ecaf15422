"""Draw Figure 2: the attention matrix of the paper's example."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.report.visibility import figure2

    figure2(Path(snakemake.output.svg).with_suffix(""))
