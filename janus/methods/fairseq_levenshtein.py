"""fairseq's Levenshtein Transformer (Gu et al., 2019), decoded by its own generator until an output repeats itself.

A pass deletes words, inserts masks between those that are left, and replaces the masks by words; training learns the
three from a target with words deleted and from the model's own insertions. So a pass is up to three decoder calls.
"""

from __future__ import annotations

from collections.abc import Sequence

from janus.methods.base.fairseq_nat import BRIDGE, FairseqNat
from janus.methods.base.method import Training, Use
from janus.methods.base.words import option as word


class FairseqLevenshtein(FairseqNat):
    """An output is edited by deletions and insertions; there are no lengths."""

    arch = "levenshtein_transformer"
    noise = "random_delete"
    bridge = BRIDGE
    decoders = {"nar": Use("refinement", {"length_beam": 1})}

    def words(self, training: Training) -> Sequence[str]:
        """All three predictions read the last decoder layer, of which fairseq would expect six."""
        layers = training.model.get("decoder_layers", training.model["layers"])
        return word("early-exit", ",".join([str(layers)] * 3))


METHOD = FairseqLevenshtein
