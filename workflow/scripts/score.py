"""Score one decoded test set."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.corpora.grammar import check
    from janus.metrics.files import score_file

    corpus, tok = snakemake.params.corpus, Path(snakemake.input.tok)
    generated = corpus.recipe == "grammar"
    score_file(
        hypotheses=Path(snakemake.input.hypotheses),
        references=tok / f"test.{corpus.target}",
        raw_references=Path(snakemake.input.raw) / f"test.{corpus.target}",
        output=Path(snakemake.output[0]),
        language=corpus.target,
        lowercase=corpus.lowercase,
        sources=tok / f"test.{corpus.source}" if generated else None,
        check=check if generated else None,
        facts=dict(snakemake.wildcards),
    )
