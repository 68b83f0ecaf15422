"""Score one decoded test set, and take its vital signs."""

from pathlib import Path

from _job import job

with job(snakemake):
    from functools import partial

    from janus.metrics.files import score_file
    from janus.metrics.vital_signs import write_vital_signs
    from janus.recipes.by_recipe import judge

    params, tok = snakemake.params, Path(snakemake.input.tok)
    grammar = judge(params.recipe)
    score_file(
        hypotheses=Path(snakemake.input.hypotheses),
        references=tok / f"test.{params.target}",
        raw_references=Path(snakemake.input.raw) / f"test.{params.target}",
        output=Path(snakemake.output[0]),
        language=params.target,
        lowercase=params.lowercase,
        plain=next(map(Path, snakemake.input.plain), None),
        sources=tok / f"test.{params.source}" if grammar else None,
        check=grammar and partial(grammar.check, source_language=params.source, target_language=params.target),
        facts=dict(snakemake.wildcards),
    )
    write_vital_signs(
        Path(snakemake.output.vital),
        hypotheses=Path(snakemake.input.hypotheses),
        references=tok / f"test.{params.target}",
        sources=tok / f"test.{params.source}",
        fewer=next(map(Path, snakemake.input.fewer), None),
        expected=params.expected,
        facts=dict(snakemake.wildcards),
    )
