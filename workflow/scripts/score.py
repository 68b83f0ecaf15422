"""Score one decoded test set, and take its vital signs."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.metrics.files import score_file
    from janus.metrics.vital_signs import write_vital_signs
    from janus.recipes.by_recipe import checker

    params, tok = snakemake.params, Path(snakemake.input.tok)
    check = checker(params.recipe, params.source, params.target)
    score_file(
        hypotheses=Path(snakemake.input.hypotheses),
        references=tok / f"test.{params.target}",
        raw_references=Path(snakemake.input.raw) / f"test.{params.target}",
        output=Path(snakemake.output[0]),
        language=params.target,
        lowercase=params.lowercase,
        plain=next(map(Path, snakemake.input.plain), None),
        sources=tok / f"test.{params.source}" if check else None,
        check=check,
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
