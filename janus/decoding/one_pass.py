"""One decoder pass over a blank canvas, with a length beam (Gu et al., 2018; Qian et al., 2021).

Every cell is predicted, those of bos and eos too, and what the model says there is part of the output. Axes: B
sentences, W length candidates of each, T canvas width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from janus.decoding.length_beam import LengthBeam, blank_canvas, length_candidates, ranked_candidates
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.ragged import Source
from janus.model.streams import pack_cells
from janus.model.transformer import JanusTransformer
from kernels.top_words import top_words


@dataclass(frozen=True)
class OnePassSettings:
    """length_beam: candidate lengths around the most probable one; the highest mean log-probability of all cells wins.

    shortest: the least number of tokens between bos and eos. passes: 1, by its nature.
    Raises InputError for a number below 1, and for other passes.
    """

    length_beam: int = 1
    shortest: int = 1
    passes: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        if self.passes != 1:
            raise InputError(f"one_pass cannot decode in {self.passes} passes", where="passes", fix="use 1")
        # The length beam checks the others.
        self.lengths()

    def lengths(self) -> LengthBeam:
        """How lengths are proposed."""
        return LengthBeam(length_beam=self.length_beam, shortest=self.shortest)


@torch.no_grad()
def one_pass(model: JanusTransformer, source: Source, settings: OnePassSettings) -> list[list[Hypothesis]]:
    """The best length candidate of each sentence."""
    return [hypotheses[:1] for hypotheses in candidates(model, source, settings)]


@torch.no_grad()
def candidates(model: JanusTransformer, source: Source, settings: OnePassSettings) -> list[list[Hypothesis]]:
    """The candidates of all lengths of each sentence, best first.

    The padding symbol is never predicted: it would change the length.
    """
    config = model.config
    memory, encoded = model.encode(source)
    lengths = length_candidates(model, encoded, source, settings.lengths())
    canvas = blank_canvas(lengths.flatten(), model)
    owner = torch.arange(lengths.size(0), device=canvas.device).repeat_interleave(lengths.size(1))
    cells = canvas.ne(config.pad)
    rows = pack_cells(canvas, owner, pad=config.pad, mask=config.mask, read={"cells": (cells, canvas)})
    best, symbol = top_words(model.project(model.decoder(rows, memory, rows.read["cells"].rows)), 1, [config.pad])
    canvas = canvas.masked_scatter(cells, symbol[:, 0])
    scores = torch.zeros(canvas.shape, device=canvas.device, dtype=best.dtype).masked_scatter(cells, best[:, 0])
    ranks = scores.sum(1).view_as(lengths) / lengths
    return ranked_candidates(canvas, scores, lengths, ranks)


DECODER = Decoder("one_pass", OnePassSettings, one_pass, manner="nar", reads="a blank canvas")
