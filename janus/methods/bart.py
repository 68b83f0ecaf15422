"""fairseq's BART: its own denoising on running text, and fine-tuning on pairs (Lewis et al., 2020)."""

from __future__ import annotations

from janus.methods.base.method import AR, BaseMethod, Training
from janus.methods.base.words import AS_BART, finetune_words, option, pair_words, text_words


class FairseqBart(BaseMethod):
    """The AR baseline of pre-training, in fairseq's own model."""

    decoders = {"ar": AR}
    stages = ("task", "pretraining")

    def arguments(self, training: Training) -> list[str]:
        """The words of fairseq's denoising task, or of its translation task with validation BLEU."""
        if training.stage == "pretraining":
            task = [*option("task", "janus_bart_baseline"), *text_words(training)]
        else:
            task = [*option("task", "janus_ar_baseline"), *pair_words(training)]
        return [
            *task,
            *self._architecture(training),
            "--share-all-embeddings",
            *option("criterion", "label_smoothed_cross_entropy"),
            *option("label-smoothing", training.training["label_smoothing"]),
            *finetune_words(training),
        ]

    def _architecture(self, training: Training) -> list[str]:
        """fairseq's Transformer for a new BART with scaled weights, since its BART only has bert's."""
        if not training.start and training.model["init"] == "scaled":
            return [*option("arch", "transformer"), *AS_BART]
        return option("arch", "bart_base")


METHOD = FairseqBart
