"""A model with its text: `load(path).translate(lines)`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from janus.decoding.decoding import Decoding
from janus.decoding.driver import best_outputs
from janus.decoding.vocabulary import Vocabulary
from janus.devices import require_device
from janus.errors import InputError
from janus.files import require_file
from janus.methods.base.decoder import Hypothesis
from janus.methods.base.loading import load_model
from janus.translator.found import Found, find
from janus.translator.text import FORMS, ModelText, text_of_corpus, text_of_files

_BOS, _PAD, _EOS = range(3)


@dataclass(frozen=True)
class Pass:
    """One decoder pass over an output, subword by subword.

    subwords: after the pass. probabilities: with which each was written. masked: what the pass read as masks, or
    predicted anew. changed: what differs from the pass before; nothing in the first.
    """

    subwords: list[str]
    probabilities: list[float]
    masked: list[bool]
    changed: list[bool]


@dataclass(frozen=True)
class Output:
    """One output of a line.

    text: in the form that was wanted. subwords: as the model said it. score: what outputs of a line are ranked by.
    probabilities: of its subwords, and of the end symbol where the decoder predicts it. passes: what each decoder pass
    made of it, if that was asked for.
    """

    text: str
    subwords: str
    score: float
    probabilities: list[float]
    passes: list[Pass]


@dataclass(frozen=True)
class Translation:
    """A line, the subwords that the model read, how many were cut from its end, and its outputs, best first."""

    source: str
    subwords: str
    cut: int
    outputs: list[Output]


class Translator:
    """A model that is ready to translate.

    found: what belongs to the checkpoint. Its model is loaded when it is made.
    """

    def __init__(self, found: Found, text: ModelText, device: str = "cpu"):
        """Load the model. Raises InputError if it, its dictionaries and the device do not fit together."""
        require_device(device)
        self.found, self.text, self.device = found, text, device
        bridge = found.decoding(manner=next(iter(found.methods))).bridge
        self.model = load_model(found.checkpoint, device, bridge=bridge)
        self.source, self.target = (Vocabulary(path) for path in text.dictionaries)
        self.source.check_fits(self.model.config, found.checkpoint, sides=["source"])
        self.target.check_fits(self.model.config, found.checkpoint, sides=["target"])

    def translate(self, lines: Iterable[str], **options: Any) -> list[str]:
        """The best output of each line, in the order of the input; an empty line stays empty.

        Options are those of `translations`.
        """
        return [one.outputs[0].text for one in self.translations(lines, **options)]

    def translations(
        self,
        lines: Iterable[str],
        *,
        decoding: Decoding | None = None,
        given: str = "text",
        wanted: str = "text",
        best: int = 1,
        steps: bool = False,
        batch_tokens: int = 8192,
        terminal: IO[str] | None = None,
        where: object = "lines",
        first: int = 1,
        **options: Any,
    ) -> list[Translation]:
        """What the model makes of each line, in the order of the input; an empty line has one empty output.

        decoding: how, by default that of `self.found.decoding(**options)`: a manner, a decoder, and its settings, such
        as `passes` and `beam`. given, wanted: the form of lines and outputs, `text`, `tokens` or `subwords`. best: how
        many outputs a line may have. steps: whether they tell what each pass made of them. batch_tokens: bound on the
        tokens of a batch, which does not change outputs. terminal: where a progress bar is drawn if it is a terminal,
        by default stderr. where, first: how errors name the lines, and the number of the first one.
        Raises InputError for a line that is too long, settings that do not fit, and a decoder without n-best outputs
        or steps where they are asked for.
        """
        for form in (given, wanted):
            if form not in FORMS:
                raise InputError(f"unknown form {form!r}", where="form", fix=f"use one of {', '.join(FORMS)}")
        decoding = decoding or self.found.decoding(**options)
        lines = list(lines)
        read = [self.text.subwords(line, given) for line in lines]
        chosen = [number for number, (subwords, _) in enumerate(read) if subwords]
        sentences = [self._encode(read[number][0], f"{where}:{number + first}") for number in chosen]
        found = best_outputs(
            self.model,
            sentences,
            decoding,
            batch_tokens,
            self.device,
            terminal,
            count=best,
            steps=steps,
            where=self.found.checkpoint,
        )
        _require_best(found, best, decoding)
        outputs = {number: [self._output(one, wanted) for one in own] for number, own in zip(chosen, found)}
        empty = [Output("", "", 0.0, [], [])]
        return [Translation(line, *read[number], outputs.get(number, empty)) for number, line in enumerate(lines)]

    def _encode(self, subwords: str, where: str) -> list[int]:
        tokens = self.source.encode(subwords, bos=self.model.config.source_bos)
        if len(tokens) > self.model.config.source_positions:
            raise InputError(
                f"{len(tokens)} subwords, the model reads at most {self.model.config.source_positions}",
                where=where,
                fix="split the line",
            )
        return tokens

    def _output(self, one: Hypothesis, form: str) -> Output:
        subwords = self.target.decode(one.tokens)
        kept = [token not in (_BOS, _PAD) for token in one.tokens.tolist()]
        probabilities = one.token_scores.exp().tolist()
        return Output(
            self.text.output(subwords, form),
            subwords,
            one.score,
            [value for value, keep in zip(probabilities, kept) if keep],
            self._passes(one),
        )

    def _passes(self, one: Hypothesis) -> list[Pass]:
        """The passes of an output, without the cells that none of them wrote."""
        if not one.steps:
            return []
        ever = one.steps[0].written
        for step in one.steps:
            ever = ever | step.written
        passes, before = [], None
        for step in one.steps:
            tokens = step.tokens[ever]
            changed = tokens != before if before is not None else tokens != tokens
            passes.append(
                Pass(
                    [self.target.symbols[token] for token in tokens.tolist()],
                    step.token_scores[ever].exp().tolist(),
                    step.written[ever].tolist(),
                    changed.tolist(),
                )
            )
            before = tokens
        return passes


def _require_best(found: Sequence[Sequence[Hypothesis]], best: int, decoding: Decoding) -> None:
    """Raise InputError if no line has as many outputs as were asked for."""
    most = max(map(len, found), default=best)
    if most < best:
        raise InputError(
            f"{decoding.decoder.name} with these settings gives {most} output{'s' * (most > 1)} of a line, not {best}",
            where="n-best",
            fix="ask for fewer, or search wider (beam search gives as many as its beam)",
        )


def load(
    path: str | Path,
    *,
    corpus: str | Path | None = None,
    dictionaries: Sequence[str | Path] = (),
    codes: str | Path | None = None,
    source: str = "",
    target: str = "",
    lowercase: bool = False,
    device: str = "cpu",
) -> Translator:
    """The translator of a run of the workflow, or of any checkpoint of this suite, its plugin or fairseq.

    path: the folder of a run, such as results/TIER/CORPUS/SYSTEM/seed-1, a folder of checkpoints, or a checkpoint.
    corpus: the folder of the prepared corpus, by default that of the run. Where there is none, text is Moses-tokenised,
    and `lowercase` if the model's was; dictionaries (one, or source and target), codes (of subword-nmt, or the folder
    of GPT-2's) and languages (`source`, `target`) are those named, or found beside the checkpoint. Raises InputError
    where something is missing or does not fit, and before the checkpoint is read where it can.
    """
    require_device(device)
    for file in (*dictionaries, *([Path(corpus) / "corpus.json"] if corpus else [])):
        require_file(Path(file), fix="correct the path")
    if codes and not Path(codes).exists():
        raise InputError("no such file or folder", where=codes, fix="correct the path")
    found = find(Path(path), corpus=Path(corpus) if corpus else None)
    if found.corpus and not (dictionaries or codes):
        return Translator(found, text_of_corpus(found.corpus), device)
    text = text_of_files(
        found.checkpoint.parent,
        (source or found.sides[0], target or found.sides[1]),
        dictionaries=tuple(map(Path, dictionaries)),
        codes=Path(codes) if codes else None,
        lowercased=lowercase,
    )
    return Translator(found, text, device)


def translate(path: str | Path, lines: Iterable[str], **options: Any) -> list[str]:
    """`load(path).translate(lines)`, for once; options are those of `Translator.translations`."""
    return load(path).translate(lines, **options)
