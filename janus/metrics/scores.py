"""What every scorer returns."""

# {metric: {"value": …, "signature": how it was computed, …}}, the metrics under the names of janus.report.names.
Scores = dict[str, dict[str, float | str]]
