"""Write what each decoder pass makes of a few test sentences."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.translator.steps_file import write_steps

    write_steps(
        Path(snakemake.input.checkpoint).parent,
        Path(snakemake.input.tok) / f"test.{snakemake.params.source}",
        Path(snakemake.output.steps),
        device=snakemake.config["device"],
        **snakemake.params.chosen,
        **snakemake.params.decoding,
    )
