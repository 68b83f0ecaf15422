"""Draw Figure 4: BLEU and speed against decoder passes."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.files import write_json
    from janus.records.provenance import Stopwatch, provenance
    from janus.report.figures import figure4
    from janus.report.points import iteration_points

    watch, params = Stopwatch(), snakemake.params
    facts = {"tier": params.tier, "generated": params.generated}
    points = [
        point
        for system, scores in params.scores.items()
        for point in iteration_points(system, params.labels[system], scores=scores, latencies=params.latencies[system])
    ]
    figure4(points, Path(snakemake.output.svg).with_suffix(""), **facts)
    write_json(Path(snakemake.output.facts), provenance(watch=watch, figure=4, files=list(snakemake.input), **facts))
