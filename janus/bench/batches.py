"""Batches with the sentence lengths of IWSLT14 De-En and random words.

`iwslt14-lengths.tsv` holds every 40th of the 160,239 training pairs, lengths in joint BPE tokens (10,152 types), eos
counted, as fairseq's preparation script leaves them. Axes: B sentences, S source, T target places.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from janus.errors import InputError
from janus.files import read_lines
from janus.model.ragged import Source
from janus.model.rows import DecoderRows
from janus.model.streams import pack_streams
from janus.noise.masks import batch_generator, span_mask

LENGTHS = Path(__file__).with_name("iwslt14-lengths.tsv")
# Target tokens of the whole training set, eos counted: what an epoch is.
EPOCH_TOKENS = 3_949_114
BOS, PAD, EOS, UNK = range(4)


@dataclass(frozen=True)
class Batch:
    """source: [B, S] bos … eos, right-padded. target: [B, T] likewise. masked: [B, T] boolean, as training draws it."""

    source: Tensor
    target: Tensor
    masked: Tensor

    @property
    def tokens(self) -> int:
        """Predicted target tokens, eos counted."""
        return int(self.target.ne(PAD).sum()) - self.target.size(0)

    def counts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Source tokens, predicted target tokens and masked tokens of each sentence, [B] each."""
        return self.source.ne(PAD).sum(1), self.target.ne(PAD).sum(1) - 1, self.masked.sum(1)

    def packed_source(self) -> Source:
        """The source as the engine reads it."""
        return Source.of(self.source, PAD)

    def packed_streams(self, **options: object) -> DecoderRows:
        """The decoder rows of the streams asked for, by the options of `janus.model.streams.pack_streams`."""
        return pack_streams(self.target, self.masked, pad=PAD, mask=UNK, **options)


def read_lengths(path: Path = LENGTHS) -> list[tuple[int, int]]:
    """Source and target lengths of each pair, eos counted."""
    return [tuple(map(int, line.split("\t"))) for line in read_lines(path)[1:]]


def draw_batches(count: int, tokens: int, words: int, lengths: list[tuple[int, int]]) -> list[Batch]:
    """`count` batches of at least `tokens` target tokens, spread evenly from short to long sentences.

    As fairseq does, sentences of like length share a batch, so its padding is what training meets. words: size of the
    vocabulary the random words are drawn from. Raises InputError where the lengths do not suffice for one batch each.
    """
    groups, group = [], []
    for pair in sorted(lengths):
        group.append(pair)
        if sum(target for _, target in group) >= tokens:
            groups.append(group)
            group = []
    if len(groups) < count:
        raise InputError(
            f"{len(groups)} batches of {tokens} tokens, {count} requested", where=LENGTHS, fix="ask for fewer"
        )
    return [_draw(groups[(2 * i + 1) * len(groups) // (2 * count)], words, i) for i in range(count)]


def _draw(lengths: list[tuple[int, int]], words: int, number: int) -> Batch:
    generator = batch_generator(number)

    def side(which: int) -> Tensor:
        sentences = [torch.randint(EOS + 2, words, (pair[which] - 1,), generator=generator) for pair in lengths]
        framed = [torch.cat([torch.tensor([BOS]), sentence, torch.tensor([EOS])]) for sentence in sentences]
        return pad_sequence(framed, batch_first=True, padding_value=PAD)

    source, target = side(0), side(1)
    masked = span_mask(target, pad=PAD, budget=0.7, poisson=2.0, generator=generator)
    return Batch(source, target, masked)
