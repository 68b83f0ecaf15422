"""What the NAR models of fairseq share as methods: its Levenshtein task, the length table, and who decodes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from janus.methods.base.method import BaseMethod, Training
from janus.methods.base.words import levenshtein_words

# The module that decodes a model of which this suite's network is no copy.
BRIDGE = "janus.plugin.refinement"
# fairseq's own table, which no option changes.
_LENGTH_CLASSES = 256


class FairseqNat(BaseMethod):
    """A NAR model of fairseq. arch: its name there. noise: what its decoder reads instead of the target in training."""

    arch: ClassVar[str]
    noise: ClassVar[str]

    @classmethod
    def length_classes(cls, model: Mapping[str, Any]) -> int:
        """fairseq's, whatever the tier says."""
        return _LENGTH_CLASSES

    def words(self, training: Training) -> Sequence[str]:
        """The words of the model alone."""
        return ()

    def arguments(self, training: Training) -> list[str]:
        """The words of fairseq's Levenshtein task, with validation BLEU."""
        return levenshtein_words(training, arch=self.arch, noise=self.noise, more=self.words(training))
