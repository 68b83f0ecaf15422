"""Measure how fast one trained system decodes in each of the ways that Figure 4 shows."""

from pathlib import Path

from _job import job

with job(snakemake, threads=snakemake.params.latency["threads"]) as terminal:
    from janus.decoding.latency import measure_latency

    source, latency = snakemake.params.source, snakemake.params.latency
    measure_latency(
        checkpoint=Path(snakemake.input.checkpoint),
        source=Path(snakemake.input.bpe) / f"test.{source}",
        dictionary=Path(snakemake.input.data) / f"dict.{source}.txt",
        output=Path(snakemake.output[0]),
        decodings=snakemake.params.decodings,
        batch_sizes=latency["batch_sizes"],
        sentences=latency["sentences"],
        repeats=latency["repeats"],
        warmup=latency["warmup"],
        device=snakemake.config["device"],
        terminal=terminal,
    )
