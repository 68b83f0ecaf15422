"""fairseq's CMLM with its uniform masking (Ghazvininejad et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from janus.methods.base.fairseq_nat import FairseqNat
from janus.methods.base.method import MASK_PREDICT, Training
from janus.methods.base.words import OFFSET_LENGTHS


class FairseqCmlm(FairseqNat):
    """The NAR baseline in fairseq's own model; this suite's model computes the same, and decodes it."""

    arch = "cmlm_transformer"
    noise = "random_mask"
    decoders = {"nar": MASK_PREDICT}

    def words(self, training: Training) -> Sequence[str]:
        """Lengths are predicted as differences to the source."""
        return OFFSET_LENGTHS


METHOD = FairseqCmlm
