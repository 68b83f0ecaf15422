"""The demo corpora: bilingual text with several correct translations per sentence, and a judge that knows all of them.

A sentence can be expressed in four modes, formal or colloquial, active or passive, and the source does not determine
which. The mode affects many words (nouns, verbs, adverbs, relative pronoun, auxiliary, order), so that a decoder that
chooses each word independently mixes modes: the multi-modality problem of non-autoregressive translation.
"""

import random
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from janus.demo.generate import MODES, PLAIN, Mode, realise
from janus.demo.judge import Judge, Verdict
from janus.demo.semantics import Sampler
from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.text.analyse import analyse
from janus.text.clean import Cleaner, Pair
from janus.text.split_writer import SPLITS, SplitWriter
from janus.text.tokenise import lowercase, tokenise

SIZES = {"train": 6000, "valid": 200, "test": 300}
_MAX_REPEATS = 500


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Generate the splits, no source sentence twice, through the same tokeniser and cleaning as real text.

    Options: `train`, `valid`, `test` (pairs), `multimodality`, `vocabulary`, see `pairs`.
    """
    options = dict(corpus.options)
    sizes = {split: options.pop(split, SIZES[split]) for split in SPLITS}
    drawn = pairs(corpus.source, corpus.target, sum(sizes.values()), seed=f"{corpus.name}/{seed}", **options)
    cleaner = Cleaner()
    for split in reversed(SPLITS):
        raw = [next(drawn) for _ in range(sizes[split])]
        tokens = ((form(source, corpus.source, corpus), form(target, corpus.target, corpus)) for source, target in raw)
        out.tokenised(split, cleaner(tokens) if split == "train" else tokens)
        if split == "test":
            out.raw_test(raw)
    return {"train": cleaner.report()}


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares it."""
    return tokenise(lowercase(line) if corpus.lowercase else line, language)


def pairs(
    source: str, target: str, count: int, *, seed: object, multimodality: float = 1.0, vocabulary: float = 1.0
) -> Iterator[Pair]:
    """Generate `count` untokenised pairs from language `source` to `target` (en, de, ro), all sources different.

    The source is always plain (formal, active). With probability `multimodality` the target's mode is drawn uniformly
    from all four, otherwise it is plain too: 0 makes translation deterministic, 1 gives the most ambiguity.
    `vocabulary` in (0, 1] is the share of the lexicon in use. The same seed gives the same text. Raises InputError if
    the vocabulary does not allow that many sentences.
    """
    rng = random.Random(f"{source}-{target}/{seed}")
    sampler = Sampler(rng, vocabulary=vocabulary)
    seen: set[str] = set()
    repeats = 0
    while len(seen) < count:
        meaning = sampler.meaning()
        mode = rng.choice(MODES) if rng.random() < multimodality else PLAIN
        sentence = _raw(realise(meaning, source, PLAIN))
        if sentence in seen:
            repeats += 1
            _require_fresh(repeats, len(seen), count)
            continue
        repeats = 0
        seen.add(sentence)
        yield sentence, _raw(realise(meaning, target, mode))


def _require_fresh(repeats: int, found: int, count: int) -> None:
    if repeats > _MAX_REPEATS:
        raise InputError(
            f"the vocabulary gave {found:,} different sentences of {count:,}",
            where="demo corpus",
            fix="raise `vocabulary` or lower `train` in config/corpora.yaml",
        )


def translations(source: str, source_language: str, target_language: str) -> Mapping[Mode, tuple[str, ...]]:
    """Every correct translation of a tokenised, BPE-free source sentence, by mode, as tokens.

    Raises InputError if the source is not a sentence of the grammar.
    """
    meaning = analyse(tuple(source.split()), source_language)
    return {mode: realise(meaning, target_language, mode) for mode in MODES}


def check(source: str, output: str, *, source_language: str = "de", target_language: str = "en") -> Verdict:
    """Judge one tokenised, BPE-free output (see `judge.py`)."""
    return _judge(source, source_language, target_language)(tuple(output.split()))


@lru_cache(maxsize=1 << 14)
def _judge(source: str, source_language: str, target_language: str) -> Judge:
    return Judge(translations(source, source_language, target_language))


def _raw(words: tuple[str, ...]) -> str:
    return " ".join(words[:-1]) + words[-1]
