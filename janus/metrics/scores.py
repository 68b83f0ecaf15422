"""What every scorer returns."""

# {metric: {"value": …, "signature": how it was computed, …}}, the metrics under the names of janus.report.names.
Scores = dict[str, dict[str, float | str]]

# The metric of each task that is tested for significance: that of its first published column.
TESTED = {"translation": "bleu_tok", "summary": "rouge1_155", "question": "rougeL_coco", "reply": "bleu1_nltk35"}
