"""Render one table: the published cells, and beside them what the tier's runs reproduced."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.files import write_json
    from janus.records.provenance import Stopwatch, provenance
    from janus.report.collect import collect
    from janus.report.comparison_table import build_comparison_table
    from janus.report.layout import build_table
    from janus.report.ledger import write_reproduced
    from janus.report.metric_table import build_metric_table
    from janus.report.origins import origin_notes
    from janus.report.published import load_published
    from janus.report.tables import write_table
    from janus.report.vital_signs import marked

    watch, params, output = Stopwatch(), snakemake.params, snakemake.output
    stem = Path(output.csv).with_suffix("")
    published = load_published(Path(snakemake.input.published).parent)
    records = collect(params.cells)
    facts = {"tier": params.tier, "generated": params.generated}
    added = {"added_rows": params.added_rows, "added_columns": params.added_columns}
    notes = {"other_texts": params.other_texts, "origins": origin_notes(params.cells)}
    table = build_table(params.number, published, records, **added, **notes, **facts)
    write_table(marked(table, params.cells), stem)
    if params.cells:
        write_reproduced(records, Path(output.cells))
        for build in (build_metric_table, build_comparison_table):
            companion = build(params.number, records, **facts)
            write_table(marked(companion, params.cells), stem.with_name(companion.name))
    write_json(Path(output.facts), provenance(watch=watch, table=params.number, cells=params.cells, **facts))
