"""Decode a file: batches by length, outputs in the order of the input, facts beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.mask_predict import MaskPredictSettings, mask_predict
from janus.decoding.vocabulary import Vocabulary, make_source
from janus.errors import InputError
from janus.files import read_lines, sha256, write_json, write_lines
from janus.model.checkpoints import load_model
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer
from janus.provenance import Stopwatch, provenance

Settings = BeamSettings | MaskPredictSettings


def decoding_settings(
    *,
    manner: str,
    beam: int = 5,
    lenpen: float = 1.0,
    max_len_a: float = 0.0,
    max_len_b: int = 200,
    passes: int = 11,
    length_beam: int = 3,
    length_candidates: str = "around",
    repredict: bool = False,
) -> Settings:
    """The settings of a manner: `ar` reads beam, lenpen, max_len_*, `nar` the others."""
    if manner == "ar":
        return BeamSettings(beam=beam, length_penalty=lenpen, length_a=max_len_a, length_b=max_len_b)
    if manner == "nar":
        return MaskPredictSettings(passes, length_beam, repredict, length_candidates)
    raise InputError(f"unknown manner {manner}", where="decoding settings", mend="use ar or nar")


def decode_file(
    *,
    checkpoint: Path,
    source: Path,
    dictionary: Path,
    output: Path,
    batch_tokens: int = 8192,
    device: str = "cpu",
    terminal: IO[str] | None = None,
    **options: Any,
) -> None:
    """Translate BPE text line by line into BPE text, and write what it took beside it, in `output` + ".json".

    source: one sentence a line. options: those of `decoding_settings`. batch_tokens: bound on sentences * longest of a
    batch; it changes no output.
    terminal: where a progress bar is drawn if it is one; stderr if not given.
    Raises InputError where the checkpoint, the dictionary and the text do not fit together; then no file is written.
    """
    watch = Stopwatch()
    model = load_model(checkpoint, device)
    sentences = read_sentences(source, dictionary, model.config, checkpoint)
    settings = decoding_settings(**options)
    lines = translate(model, sentences, settings, Vocabulary(dictionary), batch_tokens, device, terminal)
    write_lines(output, lines)
    facts = {
        "manner": options["manner"],
        "settings": asdict(settings),
        "checkpoint": sha256(checkpoint),
        "source": sha256(source),
        "sentences": len(lines),
    }
    write_json(output.with_name(output.name + ".json"), provenance(watch=watch, device=device, **facts))


def read_sentences(source: Path, dictionary: Path, config: TransformerConfig, checkpoint: Path) -> list[list[int]]:
    """Encode a BPE file for a model. Raises InputError for an empty or too long line, or a foreign dictionary."""
    vocabulary = Vocabulary(dictionary)
    vocabulary.check_fits(config, checkpoint)
    sentences = []
    for number, line in enumerate(read_lines(source), 1):
        tokens = vocabulary.encode(line, bos=config.source_bos)
        if not line.strip():
            raise InputError(
                "empty line", where=f"{source}:{number}", mend="remove the sentence from source and reference"
            )
        if len(tokens) > config.source_positions:
            raise InputError(
                f"{len(tokens)} tokens, the model reads at most {config.source_positions}",
                where=f"{source}:{number}",
                mend="split the sentence",
            )
        sentences.append(tokens)
    return sentences


def translate(
    model: JanusTransformer,
    sentences: Sequence[Sequence[int]],
    settings: Settings,
    vocabulary: Vocabulary,
    batch_tokens: int,
    device: str,
    terminal: IO[str] | None = None,
) -> list[str]:
    """The best output of each encoded sentence, in the order given."""
    outputs: list[str] = [""] * len(sentences)
    batches = list(batches_by_length(sentences, batch_tokens))
    for batch in tqdm(batches, desc="decode", unit="batch", file=terminal or sys.stderr, disable=None, leave=False):
        best = best_hypotheses(model, [sentences[i] for i in batch], settings, device)
        for i, tokens in zip(batch, best):
            outputs[i] = vocabulary.decode(tokens)
    return outputs


def best_hypotheses(
    model: JanusTransformer, sentences: Sequence[Sequence[int]], settings: Settings, device: str
) -> list:
    """The tokens of the best hypothesis of each sentence of one batch."""
    source = make_source(sentences, device)
    if isinstance(settings, BeamSettings):
        return [hypotheses[0].tokens for hypotheses in beam_search(model, source, settings)]
    return [hypothesis.tokens for hypothesis in mask_predict(model, source, settings)]


def batches_by_length(sentences: Sequence[Sequence[int]], batch_tokens: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, longest first, so that too little memory shows at once."""
    batch: list[int] = []
    longest = 0
    for i in sorted(range(len(sentences)), key=lambda i: -len(sentences[i])):
        longest = max(longest, len(sentences[i]))
        if batch and longest * (len(batch) + 1) > batch_tokens:
            yield batch
            batch, longest = [], len(sentences[i])
        batch.append(i)
    if batch:
        yield batch
