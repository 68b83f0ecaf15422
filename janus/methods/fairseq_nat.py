"""fairseq's vanilla NAT (Gu et al., 2018, without fertilities), decoded in one pass by fairseq's own generator.

Its option to copy source embeddings reads wrong places of a left-padded source, and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from janus.methods.base.fairseq_nat import BRIDGE, FairseqNat
from janus.methods.base.method import Training, Use
from janus.methods.base.words import OFFSET_LENGTHS


class FairseqVanillaNat(FairseqNat):
    """Every word of the target from a canvas of masks."""

    arch = "nonautoregressive_transformer"
    noise = "full_mask"
    bridge = BRIDGE
    decoders = {"nar": Use("refinement", {"passes": 1})}

    def words(self, training: Training) -> Sequence[str]:
        """Lengths are predicted as differences to the source."""
        return OFFSET_LENGTHS


METHOD = FairseqVanillaNat
