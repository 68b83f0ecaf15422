"""Render one table: the published cells, and beside them what the tier's runs reproduced."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.files import write_json
    from janus.provenance import Stopwatch, provenance
    from janus.report.collect import collect, write_reproduced
    from janus.report.layout import build_table
    from janus.report.metric_table import build_metric_table
    from janus.report.published import load_published
    from janus.report.tables import write_table

    watch, params, output = Stopwatch(), snakemake.params, snakemake.output
    stem = Path(output.csv).with_suffix("")
    published = load_published(Path(snakemake.input.published).parent)
    records = collect(params.cells)
    facts = {"tier": params.tier, "generated": params.generated}
    added = {"added_rows": params.added_rows, "added_columns": params.added_columns}
    table = build_table(params.number, published, records, **added, other_text=params.get("other_text"), **facts)
    write_table(table, stem)
    if params.cells:
        write_reproduced(records, Path(output.cells))
        write_table(build_metric_table(params.number, records, **facts), stem.with_name(stem.name + "-metrics"))
    write_json(Path(output.facts), provenance(watch=watch, table=params.number, cells=params.cells, **facts))
