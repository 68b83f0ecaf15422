"""Decode the test set of one corpus with one trained system."""

from pathlib import Path

from _job import job

with job(snakemake) as terminal:
    from janus.decoding.driver import decode_file

    source = snakemake.params.source
    decode_file(
        checkpoint=Path(snakemake.input.checkpoint),
        source=Path(snakemake.input.bpe) / f"test.{source}",
        dictionary=Path(snakemake.input.data) / f"dict.{source}.txt",
        output=Path(snakemake.output.hypotheses),
        device=snakemake.config["device"],
        terminal=terminal,
        batch_tokens=snakemake.params.batch_tokens,
        **snakemake.params.decoding,
    )
