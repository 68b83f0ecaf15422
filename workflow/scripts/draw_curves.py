"""Draw Figure 5 or 6: curves along the training."""

from pathlib import Path

from _job import job

with job(snakemake):
    import pandas

    from janus.files import write_json
    from janus.records.provenance import Stopwatch, provenance
    from janus.report.figures import figure5, figure6
    from janus.report.points import bleu_points, loss_points

    watch, params = Stopwatch(), snakemake.params
    facts = {"tier": params.tier, "generated": params.generated}
    select, draw = {5: (bleu_points, figure5), 6: (loss_points, figure6)}[params.number]
    points = [
        point
        for system, files in params.curves.items()
        for seed, path in files.items()
        for point in select(system, params.labels[system], seed, pandas.read_csv(path).to_dict("records"))
    ]
    draw(points, Path(snakemake.output.svg).with_suffix(""), **facts)
    write_json(
        Path(snakemake.output.facts),
        provenance(watch=watch, figure=params.number, files=list(snakemake.input), **facts),
    )
