"""Write the page of a run, and the archive of it with its data."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.report.page.write import write_page

    page = Path(snakemake.output.page)
    # results/<tier>/report/<tier>.html
    write_page(
        page.parents[1],
        page,
        Path(snakemake.output.archive),
        planned=snakemake.params.planned,
        command=snakemake.params.command,
    )
