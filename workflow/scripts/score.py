"""Score one decoded test set."""

from pathlib import Path

from _job import job

with job(snakemake):
    from functools import partial

    from janus.corpora.grammar import check
    from janus.metrics.files import score_file

    params, tok = snakemake.params, Path(snakemake.input.tok)
    generated = params.recipe == "grammar"
    score_file(
        hypotheses=Path(snakemake.input.hypotheses),
        references=tok / f"test.{params.target}",
        raw_references=Path(snakemake.input.raw) / f"test.{params.target}",
        output=Path(snakemake.output[0]),
        language=params.target,
        lowercase=params.lowercase,
        sources=tok / f"test.{params.source}" if generated else None,
        check=partial(check, source_language=params.source, target_language=params.target) if generated else None,
        facts=dict(snakemake.wildcards),
    )
