"""BLEU of both manners during training, on the first sentences of the validation set (Figure 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sacrebleu
import torch
from fairseq import metrics
from torch import Tensor

from janus.config.yaml_file import parse_yaml
from janus.decoding.decoding import Decoding
from janus.errors import InputError
from janus.plugin.generators import Generator
from janus.plugin.shared import AutocastOption, AutocastTask

_ORDER = 4


@dataclass
class ValidationOptions(AutocastOption):
    """The options of `ValidationTask`."""

    valid_bleu_sentences: int = field(default=0, metadata={"help": "validation sentences decoded for BLEU; 0 for none"})
    valid_decodings: str = field(
        default="[]", metadata={"help": "how they are decoded, one entry a manner: '[{manner: nar, passes: 5}]'"}
    )


class ValidationTask(AutocastTask):
    """Adds to a task: BLEU counts at validation, on the first sentences of the set."""

    def __init__(self, cfg, source_dictionary, target_dictionary):
        super().__init__(cfg, source_dictionary, target_dictionary)
        decodings = [Decoding.of(**one) for one in read_list(cfg.valid_decodings, "--valid-decodings")]
        by_manner = {one.manner: one for one in decodings}
        self.bleu = ValidationBleu(target_dictionary, cfg.valid_bleu_sentences, by_manner)

    def valid_step(self, sample, model, criterion):
        """The loss of a batch, and n-gram counts of its decoded outputs."""
        loss, sample_size, logged = super().valid_step(sample, model, criterion)
        if self.cfg.valid_bleu_sentences:
            logged.update(self.bleu.log(model, sample))
        return loss, sample_size, logged

    def reduce_metrics(self, logging_outputs, criterion):
        """What the criterion logs, and BLEU."""
        super().reduce_metrics(logging_outputs, criterion)
        self.bleu.reduce(logging_outputs)


def read_mapping(text: str, where: str) -> dict[str, Any]:
    """The mapping in the YAML or JSON of an option. Raises InputError, with `where`, if it is something else."""
    return _read(text, dict, "a mapping such as {manner: nar, passes: 11}", where)


def read_list(text: str, where: str) -> list[Any]:
    """The list of mappings in the YAML or JSON of an option. Raises InputError, with `where`, for something else."""
    what = "a list of mappings such as [{manner: ar}]"
    items = _read(text, list, what, where)
    if not all(isinstance(item, dict) for item in items):
        raise InputError(f"{text!r} is not {what}", where=where, fix="quote it for the shell")
    return items


def _read(text: str, kind: type, what: str, where: str) -> Any:
    value = parse_yaml(text, lambda line: where)
    if not isinstance(value, kind):
        raise InputError(f"{text!r} is not {what}", where=where, fix="quote it for the shell")
    return value


class ValidationBleu:
    """Counts n-gram matches of the output batch by batch; the counts add up over batches and processes."""

    def __init__(self, dictionary, sentences: int, decodings: Mapping[str, Decoding]):
        """sentences: how many of the validation set are decoded. decodings: how, by manner."""
        self.dictionary, self.sentences = dictionary, sentences
        strip = {dictionary.bos(), dictionary.eos()}
        self.generators = {manner: Generator(how, strip) for manner, how in decodings.items()}

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
