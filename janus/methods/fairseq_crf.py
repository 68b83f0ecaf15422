"""fairseq's NAT with a conditional random field (Sun et al., 2019), decoded in one pass by fairseq's own generator.

The transitions between neighbouring words have a low rank, and the normaliser and Viterbi's search read the best words
of each cell alone. fairseq's layer names `numpy.float`, which the plugin provides (`janus.plugin.numpy_float`).
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
class CrfOptions:
    """The field's size, and the weight of the cross entropy beside its likelihood."""

    word_weight: float = option(0.5, "Weight of the cross entropy of each word by itself.", minimum=0)
    crf_rank: int = option(32, "Rank of the transitions between words.", minimum=1)
    crf_beam: int = option(64, "Best words of each cell that the normaliser and the search read.", minimum=1)


class FairseqCrf(FairseqNat):
    """A vanilla NAT whose neighbouring words are scored together."""

    Options = CrfOptions
    options: CrfOptions
    arch = "nacrf_transformer"
    noise = "full_mask"
    bridge = BRIDGE
    decoders = {"nar": Use("refinement", {"passes": 1})}

    def words(self, training: Training) -> Sequence[str]:
        """The field, and lengths as differences to the source."""
        return [
            *OFFSET_LENGTHS,
            *word("word-ins-loss-factor", self.options.word_weight),
            *word("crf-lowrank-approx", self.options.crf_rank),
            *word("crf-beam-approx", self.options.crf_beam),
        ]


METHOD = FairseqCrf
