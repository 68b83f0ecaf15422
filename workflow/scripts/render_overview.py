"""Render an overview: a table of quality, speed and cost, and a picture of quality against speed."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.files import write_json
    from janus.records.provenance import Stopwatch, provenance
    from janus.report.figures import tradeoff
    from janus.report.origins import origin_notes
    from janus.report.overview import figure_rows, overview_rows, overview_table
    from janus.report.tables import write_table
    from janus.report.vital_signs import marked

    watch, params, output = Stopwatch(), snakemake.params, snakemake.output
    facts = {"tier": params.tier, "generated": params.generated}
    rows = overview_rows(params.cells, params.task)
    named = {"title": params.title, "task": params.task, "baseline": params.baseline}
    table = overview_table(params.name, params.cells, rows, **named, **facts, origins=origin_notes(params.cells))
    write_table(marked(table, params.cells), Path(output.csv).with_suffix(""))
    points = figure_rows(params.cells, rows, params.task)
    tradeoff(points, Path(output.svg).with_suffix(""), title=f"{params.title}: quality against speed", **facts)
    write_json(Path(output.facts), provenance(watch=watch, overview=params.name, cells=params.cells, **facts))
