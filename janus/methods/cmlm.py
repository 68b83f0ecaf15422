"""fairseq's CMLM with its uniform masking (Ghazvininejad et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from janus.methods.base.method import MASK_PREDICT, BaseMethod, Training
from janus.methods.base.words import finetune_words, option, pair_words

# fairseq's own table, which no option changes.
_LENGTH_CLASSES = 256


class FairseqCmlm(BaseMethod):
    """The NAR baseline in fairseq's own model."""

    decoders = {"nar": MASK_PREDICT}

    @classmethod
    def length_classes(cls, model: Mapping[str, Any]) -> int:
        """fairseq's, whatever the tier says."""
        return _LENGTH_CLASSES

    def arguments(self, training: Training) -> list[str]:
        """The words of fairseq's Levenshtein task, with validation BLEU."""
        return [
            *option("task", "janus_cmlm_baseline"),
            *pair_words(training),
            *option("noise", "random_mask"),
            *option("arch", "cmlm_transformer"),
            "--share-all-embeddings",
            *option("criterion", "nat_loss"),
            *option("label-smoothing", training.training["label_smoothing"]),
            *option("length-loss-factor", 0.1),
            "--pred-length-offset",
            *(["--apply-bert-init"] if training.model["init"] == "bert" else []),
            *finetune_words(training),
        ]


METHOD = FairseqCmlm
