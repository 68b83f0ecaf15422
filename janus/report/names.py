"""What tables and metrics are called, which metric a table shows, and with how many decimals."""

from collections.abc import Mapping

from janus.report.published import ITERATION, LATENCY, SPEEDUP

TITLES = {
    1: "Translation, BLEU",
    2: "Summarisation on XSum",
    3: "Token repetition after 1, 4 and 10 iterations, %",
    4: "Question generation on SQuAD 1.1",
    5: "Dialogue on PersonaChat",
    6: "Ablation of the losses on translation, BLEU",
    7: "SQuAD 1.1 after different pre-trainings",
    8: "XSum after different pre-trainings",
}

# In the order of the companion tables' columns.
METRICS = {
    "bleu_tok": "BLEU, tokenised",
    "bleu_split": "BLEU, compounds split",
    "rouge1_155": "ROUGE-1, 1.5.5",
    "rouge2_155": "ROUGE-2, 1.5.5",
    "rougeL_155": "ROUGE-L, 1.5.5",
    "rougeL_coco": "ROUGE-L, COCO",
    "bleu4_coco": "BLEU-4, COCO",
    "meteor": "METEOR",
    "bleu1_nltk34": "BLEU-1, NLTK ≤ 3.4",
    "bleu2_nltk34": "BLEU-2, NLTK ≤ 3.4",
    "bleu1_nltk35": "BLEU-1, NLTK 3.5",
    "bleu2_nltk35": "BLEU-2, NLTK 3.5",
    "bleu1_nltk36": "BLEU-1, NLTK ≥ 3.6",
    "bleu2_nltk36": "BLEU-2, NLTK ≥ 3.6",
    "bleu1_corpus": "BLEU-1, corpus",
    "bleu2_corpus": "BLEU-2, corpus",
    "distinct1": "Distinct-1",
    "distinct2": "Distinct-2",
    "overall": "OVERALL",
    "rouge1": "ROUGE-1, rouge-score",
    "rouge2": "ROUGE-2, rouge-score",
    "rougeL": "ROUGE-L, rouge-score",
    "rougeLsum": "ROUGE-Lsum, rouge-score",
    "bleu_sacre": "sacreBLEU",
    "chrfpp": "chrF++",
    "valid": "valid %",
    "mixed": "mixed %",
    "repetition": "repetition %",
    "repetition_subword": "subword repetition %",
    "words": "words",
    "iterations": "Iter",
    "latency": "ms/sample",
    "speedup": "speed-up",
}

_ROUGE = {"ROUGE-1": "rouge1_155", "ROUGE-2": "rouge2_155", "ROUGE-L": "rougeL_155", "OVERALL": "overall"}
_QUESTIONS = {"ROUGE-L": "rougeL_coco", "BLEU-4": "bleu4_coco", "METEOR": "meteor", "OVERALL": "overall"}
_REPLIES = {
    "BLEU-1": "bleu1_nltk35",
    "BLEU-2": "bleu2_nltk35",
    "Distinct-1": "distinct1",
    "Distinct-2": "distinct2",
    "OVERALL": "overall",
}
_SPEED = {ITERATION: "iterations", LATENCY: "latency", SPEEDUP: "speedup"}

# One metric for a whole table whose columns are corpora or passes, or one for each column of a table of one corpus.
SHOWN: dict[int, str | Mapping[str, str]] = {
    1: "bleu_tok",
    2: _ROUGE | _SPEED,
    3: "repetition",
    4: _QUESTIONS | _SPEED,
    5: _REPLIES | _SPEED,
    6: "bleu_tok",
    7: _QUESTIONS,
    8: _ROUGE,
}

_DECIMALS = {"iterations": 0, "speedup": 1}


def decimals(metric: str) -> int:
    """Decimals with which a reproduced value of a metric is printed."""
    return _DECIMALS.get(metric, 2)


def compared_metric(number: int) -> str:
    """The metric of a table that a test of significance is of: the one of the table, or that of its first column."""
    metric = SHOWN[number]
    return metric if isinstance(metric, str) else next(iter(metric.values()))
