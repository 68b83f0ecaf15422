"""Translate one part of a training set with a teacher."""

from pathlib import Path

from _job import job

with job(snakemake) as terminal:
    from janus.decoding.driver import decode_file

    source = snakemake.params.source
    decode_file(
        checkpoint=Path(snakemake.input.checkpoint),
        source=Path(snakemake.input.bpe) / f"train.{source}",
        dictionary=Path(snakemake.input.data) / f"dict.{source}.txt",
        output=Path(snakemake.output.translations),
        part=(int(snakemake.wildcards.part), snakemake.params.parts),
        device=snakemake.config["device"],
        terminal=terminal,
        batch_tokens=snakemake.params.batch_tokens,
        **snakemake.params.decoding,
    )
