"""fairseq's iterative refinement (Lee et al., 2018), decoded by its own generator until an output repeats itself.

Training decodes several times in an update: each pass reads the words of the previous one, or, for a share of the
sentences, the target with words replaced, repeated and swapped. Every pass learns the whole target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from janus.methods.base.fairseq_nat import BRIDGE, FairseqNat
from janus.methods.base.method import Training, Use
from janus.methods.base.options import option
from janus.methods.base.words import OFFSET_LENGTHS
from janus.methods.base.words import option as word


@dataclass(frozen=True)
class IterativeOptions:
    """The passes of an update, and what they read."""

    training_passes: int = option(4, "Decoder passes of an update.", minimum=1)
    denoising: float = option(0.5, "Share of sentences whose next pass reads the noised target.", minimum=0, maximum=1)
    sampled: bool = option(True, "Whether a pass reads sampled words of the previous one; false takes the best ones.")


class FairseqIterative(FairseqNat):
    """A NAT that is trained to improve its own outputs."""

    Options = IterativeOptions
    options: IterativeOptions
    arch = "iterative_nonautoregressive_transformer"
    noise = "full_mask"
    bridge = BRIDGE
    decoders = {"nar": Use("refinement")}

    def words(self, training: Training) -> Sequence[str]:
        """The passes of an update, and lengths as differences to the source."""
        return [
            *OFFSET_LENGTHS,
            *word("train-step", self.options.training_passes),
            *word("dae-ratio", self.options.denoising),
            *(["--stochastic-approx"] if self.options.sampled else []),
        ]


METHOD = FairseqIterative
