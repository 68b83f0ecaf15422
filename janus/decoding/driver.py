"""Decode a file: batches by length, outputs in the order of the input, and a record next to them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from janus.decoding.decoding import Decoding
from janus.decoding.vocabulary import Vocabulary, make_source
from janus.devices import require_device
from janus.errors import InputError
from janus.files import read_lines, sha256, write_json, write_lines
from janus.methods.base.decoder import Hypothesis
from janus.methods.base.loading import load_model
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer
from janus.records.provenance import Stopwatch, provenance


def decode_file(
    *,
    checkpoint: Path,
    source: Path,
    dictionary: Path,
    output: Path,
    part: tuple[int, int] = (0, 1),
    batch_tokens: int = 8192,
    device: str = "cpu",
    terminal: IO[str] | None = None,
    **options: Any,
) -> None:
    """Translate BPE text line by line into BPE text, and write a record to `output` + ".json".

    source: one sentence per line. options: those of `Decoding.of`. batch_tokens: bound on sentences * longest of
    a batch; it does not change the output. part: (i, n) translates the i-th, from 0, of n parts of the lines alone.
    terminal: where a progress bar is drawn if it is a terminal; stderr by default.
    Raises InputError, before any file is written, if checkpoint, dictionary and text do not fit together, or if weights
    or probabilities of the model are not numbers.
    """
    watch = Stopwatch()
    require_device(device)
    decoding = Decoding.of(**options)
    model = load_model(checkpoint, device, bridge=decoding.bridge)
    sentences = read_sentences(source, dictionary, model.config, checkpoint, part=part)
    vocabulary = Vocabulary(dictionary)
    outputs = translate(model, sentences, decoding, batch_tokens, device, terminal, where=checkpoint)
    write_lines(output, [vocabulary.decode(one.tokens) for one in outputs])
    facts = {
        "manner": decoding.manner,
        "decoder": decoding.decoder.name,
        "settings": asdict(decoding.settings),
        "checkpoint": sha256(checkpoint),
        **{f"{name}_checkpoint": sha256(path) for name, path in decoding.checkpoints.items()},
        "source": sha256(source),
        "sentences": len(outputs),
        **passes_taken(outputs),
        **({"part": list(part)} if part != (0, 1) else {}),
    }
    write_json(output.with_name(output.name + ".json"), provenance(watch=watch, device=device, **facts))


def read_sentences(
    source: Path, dictionary: Path, config: TransformerConfig, checkpoint: Path, *, part: tuple[int, int] = (0, 1)
) -> list[list[int]]:
    """Encode a BPE file, or a `part` of it as in `decode_file`, for a model.

    Raises InputError for an empty or too long line, or a foreign dictionary.
    """
    vocabulary = Vocabulary(dictionary)
    vocabulary.check_fits(config, checkpoint)
    sentences = []
    lines = read_lines(source)
    first, last = (len(lines) * (part[0] + more) // part[1] for more in (0, 1))
    for number, line in enumerate(lines[first:last], first + 1):
        tokens = vocabulary.encode(line, bos=config.source_bos)
        if not line.strip():
            raise InputError(
                "empty line", where=f"{source}:{number}", fix="remove the sentence from source and reference"
            )
        if len(tokens) > config.source_positions:
            raise InputError(
                f"{len(tokens)} tokens, the model reads at most {config.source_positions}",
                where=f"{source}:{number}",
                fix="split the sentence",
            )
        sentences.append(tokens)
    return sentences


def passes_taken(outputs: Sequence[Hypothesis]) -> dict[str, Any]:
    """The mean and the largest number of decoder passes, where the search counts them for each sentence."""
    counts = [one.passes for one in outputs if one.passes]
    return {"passes_taken": {"mean": sum(counts) / len(counts), "most": max(counts)}} if counts else {}


def translate(
    model: JanusTransformer,
    sentences: Sequence[Sequence[int]],
    decoding: Decoding,
    batch_tokens: int,
    device: str,
    terminal: IO[str] | None = None,
    *,
    where: object = "the model",
) -> list[Hypothesis]:
    """The best output of each encoded sentence, in the order given; `where` names the model in errors."""
    return [best for [best] in best_outputs(model, sentences, decoding, batch_tokens, device, terminal, where=where)]


def best_outputs(
    model: JanusTransformer,
    sentences: Sequence[Sequence[int]],
    decoding: Decoding,
    batch_tokens: int,
    device: str,
    terminal: IO[str] | None = None,
    *,
    count: int = 1,
    steps: bool = False,
    where: object = "the model",
) -> list[list[Hypothesis]]:
    """The best outputs of each encoded sentence, in the order given; at most `count`, as far as the decoder has them.

    With `steps`, they have what each pass made of them. `where` names the model in errors.
    """
    outputs: dict[int, list[Hypothesis]] = {}
    batches = list(batches_by_length(sentences, batch_tokens))
    for batch in tqdm(batches, desc="decode", unit="batch", file=terminal or sys.stderr, disable=None, leave=False):
        source = make_source([sentences[i] for i in batch], device)
        found = decoding.decode(model, source, steps=steps, where=where)
        outputs |= zip(batch, (hypotheses[:count] for hypotheses in found))
    return [outputs[i] for i in range(len(sentences))]


def best_hypotheses(
    model: JanusTransformer,
    sentences: Sequence[Sequence[int]],
    decoding: Decoding,
    device: str,
    *,
    where: object = "the model",
) -> list[Hypothesis]:
    """The best hypothesis of each sentence of one batch."""
    outputs = decoding.decode(model, make_source(sentences, device), where=where)
    return [hypotheses[0] for hypotheses in outputs]


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
