"""fairseq's Transformer with label-smoothed cross entropy (Vaswani et al., 2017; Ott et al., 2019)."""

from __future__ import annotations

from janus.methods.base.method import AR, BaseMethod, Training
from janus.methods.base.words import finetune_words, option, pair_words


class FairseqTransformer(BaseMethod):
    """The AR baseline in fairseq's own model; its initialisation is fairseq's."""

    decoders = {"ar": AR}

    def arguments(self, training: Training) -> list[str]:
        """The words of fairseq's translation task, with validation BLEU."""
        return [
            *option("task", "janus_ar_baseline"),
            *pair_words(training),
            *option("arch", "transformer"),
            "--share-all-embeddings",
            *option("criterion", "label_smoothed_cross_entropy"),
            *option("label-smoothing", training.training["label_smoothing"]),
            *finetune_words(training),
        ]


METHOD = FairseqTransformer
