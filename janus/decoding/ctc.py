"""One decoder pass over a canvas as long as the source times a factor, read as CTC strings.

The best word of every cell; then runs of a word are one word, and blanks are dropped. Axes: B sentences, P cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.canvas import CanvasConfig
from janus.model.ragged import Source
from janus.model.streams import blank_cells, pack_cells
from janus.model.transformer import JanusTransformer
from kernels.top_words import top_words


@dataclass(frozen=True)
class CtcSettings:
    """passes: 1, by its nature. Raises InputError for other passes."""

    passes: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        if self.passes != 1:
            raise InputError(f"ctc cannot decode in {self.passes} passes", where="passes", fix="use 1")


@torch.no_grad()
def ctc(model: JanusTransformer, source: Source, settings: CtcSettings) -> list[list[Hypothesis]]:
    """What the best string of each sentence says; its score is the mean log-probability of all cells.

    The last cell is read like the others. GLAT's code keeps the last column of a batch even if it is blank, so that an
    output depends on the other sentences. The padding symbol is never predicted.
    """
    config = cast(CanvasConfig, model.config)
    memory, _ = model.encode(source)
    lengths = (config.factor * source.layout.counts()).clamp(min=2)
    canvas = blank_cells(lengths, bos=config.bos, pad=config.pad, eos=config.eos, mask=config.mask)
    cells, owner = canvas.ne(config.pad), torch.arange(canvas.size(0), device=canvas.device)
    rows = pack_cells(canvas, owner, pad=config.pad, mask=config.mask, read={"cells": (cells, canvas)})
    best, symbol = top_words(model.project(model.decoder(rows, memory, rows.read["cells"].rows)), 1, [config.pad])
    scores, words = best[:, 0].float(), symbol[:, 0]
    kept = said(words, rows.sentence, config.unk)
    sizes = lengths.tolist()
    return [
        [Hypothesis(word[keep], score[keep], float(score.mean()))]
        for word, score, keep in zip(words.split(sizes), scores.split(sizes), kept.split(sizes))
    ]


def said(words: Tensor, sentence: Tensor, blank: int) -> Tensor:
    """[P] boolean, the cells that are read: the last of each run of a word in a sentence, unless it is a blank."""
    follows = (words[1:] == words[:-1]) & (sentence[1:] == sentence[:-1])
    return ~torch.cat([follows, follows.new_zeros(1)]) & (words != blank)


DECODER = Decoder("ctc", CtcSettings, ctc, manner="nar", reads="cells that align with words")
