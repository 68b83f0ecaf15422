"""fairseq's Insertion Transformer (Stern et al., 2019), decoded by its own generator until nothing is inserted.

The decoder reads a random part of the target and learns, for each gap, the words that are missing there; no insertion
is the padding symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from janus.methods.base.fairseq_nat import BRIDGE, FairseqNat
from janus.methods.base.method import Training, Use
from janus.methods.base.options import option
from janus.methods.base.words import option as word


@dataclass(frozen=True)
class InsertionOptions:
    """How the missing words of a gap share its label."""

    label_tau: float = option(
        0.0, "Temperature with which the words in the middle of a gap count more; 0 counts all alike.", minimum=0
    )


class FairseqInsertion(FairseqNat):
    """An output grows from nothing, in every gap at once; there are no lengths."""

    Options = InsertionOptions
    options: InsertionOptions
    arch = "insertion_transformer"
    noise = "random_delete"
    bridge = BRIDGE
    decoders = {"nar": Use("refinement", {"length_beam": 1})}

    def words(self, training: Training) -> Sequence[str]:
        """The temperature, if there is one."""
        return word("label-tau", self.options.label_tau) if self.options.label_tau else ()


METHOD = FairseqInsertion
