"""A joint dictionary in fairseq's format, and BPE text as rows of symbols."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from janus.dictionary import SPECIAL, read_dictionary, word_indices
from janus.errors import InputError
from janus.model.config import TransformerConfig
from janus.model.ragged import Source

_BOS, _PAD, _EOS, _UNK = range(4)


class Vocabulary:
    """Symbols by index and back, as fairseq numbers them: four special ones, then the lines of dict.txt."""

    def __init__(self, path: Path):
        """Read `dict.<lang>.txt`. Raises InputError as `read_dictionary` does."""
        self.path = Path(path)
        words = read_dictionary(self.path)
        self.symbols = [*SPECIAL, *words]
        self.index = word_indices(words)

    def __len__(self) -> int:
        return len(self.symbols)

    def check_fits(
        self, config: TransformerConfig, checkpoint: Path, *, sides: Sequence[str] = ("source", "target")
    ) -> None:
        """Raise InputError if a model was trained with another dictionary of these sides."""
        sizes = {"source": config.source_vocabulary, "target": config.target_vocabulary}
        if any(len(self) != sizes[side] for side in sides):
            raise InputError(
                f"the model has {config.source_vocabulary} source and {config.target_vocabulary} target symbols, "
                f"the dictionary {self.path} has {len(self)}",
                where=checkpoint,
                fix="use the dictionary of the data that the model was trained on",
            )

    def encode(self, line: str, *, bos: bool) -> list[int]:
        """The symbols of a BPE line, with eos at the end and, if `bos`, bos at the beginning.

        Words that are not in the dictionary are unknown, and so are those with the name of a special symbol.
        """
        return [_BOS] * bos + [self.index.get(word, _UNK) for word in line.split()] + [_EOS]

    def decode(self, tokens: Tensor) -> str:
        """The BPE line of an output, without bos, padding and eos; unknown words become <unk>."""
        return " ".join(self.symbols[t] for t in tokens.tolist() if t not in (_BOS, _PAD, _EOS))


def pad_batch(sentences: Sequence[Sequence[int]]) -> Tensor:
    """[B, S] right-padded."""
    rows = [torch.tensor(s, dtype=torch.long) for s in sentences]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=_PAD)


def make_source(sentences: Sequence[Sequence[int]], device: str) -> Source:
    """A batch of encoded sentences as the model reads it."""
    return Source.of(pad_batch(sentences), _PAD).to(device)
