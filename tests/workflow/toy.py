"""A method of a user's own, in one file outside the package: the words of a target, in any order, by a bag of words.

Every cell of a blank canvas as long as the source learns the target's words of its place; the decoder takes the best
word of each cell in one pass.
"""

from dataclasses import dataclass

import torch

from janus.methods.base.batch import as_plain, pack_source, rows_of, source_of
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.methods.base.method import Loss, Method, Use
from janus.methods.base.options import option
from janus.objective import Weights, joint_loss
from janus.streams import pack_cells


@dataclass(frozen=True)
class ToyOptions:
    sharpness: float = option(1.0, "Weight of the loss.", exclusiveMinimum=0)


@dataclass(frozen=True)
class ToySettings:
    longest: int = 40
    passes: int = 1


def rows_of_canvas(canvas, read, config_or_symbols):
    owner = torch.arange(canvas.size(0), device=canvas.device)
    return pack_cells(canvas, owner, pad=config_or_symbols.pad, mask=config_or_symbols.mask, read={"cells": read})


@torch.no_grad()
def decode_toy(model, source, settings):
    config, lengths = model.config, source.layout.counts().clamp(max=settings.longest)
    place = torch.arange(int(lengths.max()), device=lengths.device)
    canvas = torch.where(place < lengths[:, None], config.mask, config.pad)
    memory, _ = model.encode(source)
    rows = rows_of_canvas(canvas, (canvas.ne(config.pad), canvas), config)
    scores = model.project(model.decoder(rows, memory, rows.read["cells"].rows)).log_softmax(-1)
    best, words = scores[:, 4:].max(-1)
    outputs = []
    for sentence in range(canvas.size(0)):
        own = rows.sentence == sentence
        outputs.append([Hypothesis(words[own] + 4, best[own], float(best[own].mean()))])
    return outputs


class Toy(Method):
    Options = ToyOptions
    decoders = {"nar": Use(Decoder("toy", ToySettings, decode_toy), {"passes": 1})}

    def pack(self, source, target, symbols, generator):
        present = target.ne(symbols.pad)
        rows = rows_of_canvas(target.masked_fill(present, symbols.mask), (present, target), symbols)
        return {"source": pack_source(source, symbols.pad), "lengths": present.sum(1), "rows": as_plain(rows)}

    def loss(self, model, packed, step):
        states = model(source_of(packed["source"]), rows_of(packed["rows"]))
        states = states.__class__({"nar": states.hidden["cells"]}, {"nar": states.read["cells"]}, *_rest(states))
        total, terms = joint_loss(states, packed["lengths"], Weights(nar=self.options.sharpness), step.smoothing)
        return Loss(total, 1, terms)


def _rest(states):
    return states.vocabulary, states.length


METHOD = Toy
