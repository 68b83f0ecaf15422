"""Test the paper's claims on a tier's runs: the table, and the forest plot where any is tested."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.claims.evaluate import evaluate
    from janus.claims.forest import draw_forest
    from janus.claims.statements import load_statements
    from janus.claims.table import build_claims_table
    from janus.files import write_json
    from janus.records.provenance import Stopwatch, provenance
    from janus.report.published import load_published
    from janus.report.tables import write_table

    watch, params, output = Stopwatch(), snakemake.params, snakemake.output
    statements = load_statements(Path(snakemake.input.statements))
    published = load_published(Path(snakemake.input.published[0]).parent)
    outcomes = evaluate(params.comparisons, statements, resamples=params.resamples)
    facts = {"tier": params.tier, "generated": params.generated}
    table = build_claims_table(outcomes, published, **facts, resamples=params.resamples)
    write_table(table, Path(output.csv).with_suffix(""))
    record = facts | {"resamples": params.resamples, "comparisons": params.comparisons}
    write_json(Path(output.facts), provenance(watch=watch, table="claims", **record))
    # A tier that tests none has no plot.
    if plot := dict(output.items()).get("svg"):
        draw_forest(outcomes, published, Path(plot).with_suffix(""), **facts)
        drawn = provenance(watch=watch, figure="claims", files=list(snakemake.input), **facts)
        write_json(Path(output.plot_facts), drawn)
