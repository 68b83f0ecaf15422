"""The words of `fairseq-train` that several methods share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from janus.methods.base.method import Method, Training

# BART's options, with which fairseq's Transformer computes the same function.
AS_BART = [
    "--encoder-learned-pos",
    "--decoder-learned-pos",
    "--layernorm-embedding",
    "--no-scale-embedding",
    "--activation-fn",
    "gelu",
]


def option(name: str, value: object) -> list[str]:
    """The words `--name value`."""
    return [f"--{name}", str(value)]


def as_json(value: object) -> str:
    """One line that is equal for equal values."""
    return json.dumps(value, sort_keys=True)


def core_words(method: Method, training: Training) -> list[str]:
    """The words that train a method in this suite's model."""
    return [
        *option("task", "janus"),
        *option("method", method.name),
        *option("method-options", as_json(method.plain_options)),
        *(pair_words(training) if method.data == "pairs" else text_words(training)),
        *option("arch", "janus_bart_base" if training.start else "janus_transformer"),
        *option("criterion", "janus"),
        *option("label-smoothing", training.training["label_smoothing"]),
        *option("length-classes", training.model["length_classes"]),
        *(["--apply-bert-init"] if training.model["init"] == "bert" else []),
        *(option("init-from", training.start) if training.start else []),
    ]


def pair_words(training: Training) -> list[str]:
    """The sides of a corpus, and validation BLEU.

    Without validation BLEU its decodings are left out, so that changing them does not cause another training.
    """
    words = [*option("source-lang", training.source), *option("target-lang", training.target)]
    sentences = training.training["valid_bleu_sentences"]
    if sentences:
        words += option("valid-bleu-sentences", sentences)
        words += option("valid-decodings", as_json(training.validation))
    return words


def text_words(training: Training) -> list[str]:
    """Running text, whose lines are blocks already; short adjacent lines are joined, none is split."""
    return [*option("tokens-per-sample", training.block + 2), *option("sample-break-mode", "complete")]


def levenshtein_words(training: Training, *, arch: str, noise: str, more: Sequence[str] = ()) -> list[str]:
    """The words of fairseq's Levenshtein task, with validation BLEU, for one of its NAR models; `more` are its own."""
    return [
        *option("task", "janus_cmlm_baseline"),
        *pair_words(training),
        *option("noise", noise),
        *option("arch", arch),
        "--share-all-embeddings",
        *option("criterion", "nat_loss"),
        *option("label-smoothing", training.training["label_smoothing"]),
        *more,
        *(["--apply-bert-init"] if training.model["init"] == "bert" else []),
        *finetune_words(training),
    ]


# Words of the models that predict the length of their output.
OFFSET_LENGTHS = [*option("length-loss-factor", 0.1), "--pred-length-offset"]


def finetune_words(training: Training) -> list[str]:
    """fairseq's own way to start from weights, which are loaded only if there is no checkpoint to resume from."""
    return option("finetune-from-model", training.start) if training.start else []
