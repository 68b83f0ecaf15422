"""BLEU of both manners during training, on the first sentences of the validation set (Figure 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sacrebleu
import torch
from fairseq import metrics
from torch import Tensor

from janus.decoding.settings import Settings
from janus.plugin.generators import Generator

_ORDER = 4


class ValidationBleu:
    """Counts n-gram matches of the output batch by batch; the counts add up over batches and processes."""

    def __init__(self, dictionary, sentences: int, settings: Mapping[str, Settings]):
        """sentences: how many of the validation set are decoded. settings: how, by manner."""
        self.dictionary, self.sentences = dictionary, sentences
        strip = {dictionary.bos(), dictionary.eos()}
        self.generators = {manner: Generator(how, strip) for manner, how in settings.items()}

    def log(self, model, sample: dict[str, Any]) -> dict[str, Any]:
        """The counts of one batch, for the logging output."""
        chosen = sample["id"] < self.sentences
        logged = {}
        for manner, generator in self.generators.items():
            values = self._counts(generator, model, sample, chosen) if chosen.any() else [0] * (2 * _ORDER + 2)
            logged.update({f"bleu_{manner}_{i}": value for i, value in enumerate(values)})
        return logged

    def _counts(self, generator: Generator, model, sample: dict[str, Any], chosen: Tensor) -> list[int]:
        part = {"net_input": {"src_tokens": sample["net_input"]["src_tokens"][chosen]}}
        outputs = [self._text(h[0]["tokens"]) for h in generator.generate([model], part)]
        references = [self._text(target) for target in sample["target"][chosen]]
        score = sacrebleu.corpus_bleu(outputs, [references], tokenize="none", force=True, smooth_method="none")
        return [*score.counts, *score.totals, score.sys_len, score.ref_len]

    def _text(self, tokens: Tensor) -> str:
        frame = (self.dictionary.pad(), self.dictionary.bos(), self.dictionary.eos())
        words = torch.tensor([t for t in tokens.tolist() if t not in frame])
        return self.dictionary.string(words, bpe_symbol="@@ ")

    def reduce(self, logging_outputs: list[dict[str, Any]]) -> None:
        """Turn the summed counts into BLEU under the names bleu_ar, bleu_nar, and the mean of these, bleu."""
        scores = []
        for manner in self.generators:
            names = [f"bleu_{manner}_{i}" for i in range(2 * _ORDER + 2)]
            sums = [sum(int(log.get(name, 0)) for log in logging_outputs) for name in names]
            if any(sums):
                counts, totals = sums[:_ORDER], sums[_ORDER : 2 * _ORDER]
                bleu = sacrebleu.BLEU.compute_bleu(counts, totals, sums[-2], sums[-1], smooth_method="none")
                metrics.log_scalar(f"bleu_{manner}", bleu.score, round=2)
                scores.append(bleu.score)
        if scores:
            metrics.log_scalar("bleu", sum(scores) / len(scores), round=2)
