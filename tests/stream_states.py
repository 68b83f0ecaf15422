"""The states of the joint streams, written flat, for tests of losses."""

from dataclasses import dataclass

from torch import Tensor

from janus.model.rows import Read, States


@dataclass(frozen=True)
class FlatStates:
    """ar: [N, D], nar, aux: [M, D], corrected: [R, D], and their labels; ar_masked: [M] entries of ar."""

    ar: Tensor
    nar: Tensor
    aux: Tensor
    corrected: Tensor
    vocabulary: Tensor
    length: Tensor | None
    ar_labels: Tensor
    masked_labels: Tensor
    corrected_labels: Tensor
    ar_masked: Tensor

    @property
    def made(self) -> States:
        """The states as a model returns them; the row numbers stand for nothing."""
        labels = {"ar": self.ar_labels, "nar": self.masked_labels, "aux": self.masked_labels}
        labels["corrected"] = self.corrected_labels
        read = {name: Read(one, one, self.ar_masked if name == "ar" else None) for name, one in labels.items()}
        hidden = {"ar": self.ar, "nar": self.nar, "aux": self.aux, "corrected": self.corrected}
        return States(hidden, read, self.vocabulary, self.length)
