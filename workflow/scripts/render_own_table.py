"""Render a table of the tier's own, with every metric and every test of significance beside it."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.files import write_json
    from janus.records.provenance import Stopwatch, provenance
    from janus.report.collect import collect
    from janus.report.comparison_table import build_comparison_table
    from janus.report.metric_table import build_metric_table
    from janus.report.origins import origin_notes
    from janus.report.own_table import build_own_table
    from janus.report.tables import write_table
    from janus.report.vital_signs import marked

    watch, params, output = Stopwatch(), snakemake.params, snakemake.output
    stem, facts = Path(output.csv).with_suffix(""), {"tier": params.tier, "generated": params.generated}
    records = collect(params.cells)
    shown = {"title": params.title, "metrics": params.metrics, "origins": origin_notes(params.cells)}
    tables = [
        build_own_table(params.name, records, **shown, **facts),
        build_metric_table(params.name, records, **facts),
        build_comparison_table(params.name, records, **facts),
    ]
    for table in tables:
        write_table(marked(table, params.cells), stem.with_name(table.name))
    write_json(Path(output.facts), provenance(watch=watch, table=params.name, cells=params.cells, **facts))
