"""fairseq's own tasks for the baselines, with only whole epochs, validation BLEU and reproducible noise added."""

from dataclasses import dataclass
from typing import Any

from fairseq.tasks import register_task
from fairseq.tasks.denoising import DenoisingConfig, DenoisingTask
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from fairseq.tasks.translation_lev import TranslationLevenshteinConfig, TranslationLevenshteinTask

from janus.plugin.seeded_noise import SeededNoise
from janus.plugin.shared import AutocastOption, AutocastTask
from janus.plugin.validation import ValidationOptions, ValidationTask


@dataclass
class ArBaselineConfig(ValidationOptions, TranslationConfig):
    """fairseq's translation options."""


@register_task("janus_ar_baseline", dataclass=ArBaselineConfig)
class ArBaselineTask(ValidationTask, TranslationTask):
    """fairseq's `translation`, with validation BLEU."""


@dataclass
class CmlmBaselineConfig(ValidationOptions, TranslationLevenshteinConfig):
    """fairseq's translation_lev options."""


@register_task("janus_cmlm_baseline", dataclass=CmlmBaselineConfig)
class CmlmBaselineTask(ValidationTask, TranslationLevenshteinTask):
    """fairseq's `translation_lev`, of all its NAR models, with validation BLEU."""


@dataclass
class BartBaselineConfig(AutocastOption, DenoisingConfig):
    """fairseq's denoising options."""


@register_task("janus_bart_baseline", dataclass=BartBaselineConfig)
class BartBaselineTask(AutocastTask, DenoisingTask):
    """fairseq's `denoising`, with autocast, whole epochs and reproducible noise."""

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **options: Any) -> None:
        """Split the text into blocks, with new noise in each epoch."""
        super().load_dataset(split, epoch, combine, **options)
        self.datasets[split] = SeededNoise(self.datasets[split], self.cfg.seed)
