"""How many sentences a corpus has, and how long they are: from the manifest, from the user's files, or assumed."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from janus.config.distilled import raw_of
from janus.dictionary import read_dictionary
from janus.fetching.manifest import SPLITS, Corpus, Manifest, Vocabulary
from janus.fetching.opening import read_lines
from janus.text.indexed import sentence_lengths

# Tokens of source and target where the manifest has no `sizes`: subwords of a sentence, or of the text of a task.
_ASSUMED = {"translation": (25.0, 25.0), "summary": (400.0, 25.0), "question": (150.0, 12.0), "reply": (100.0, 12.0)}
_ASSUMED_PAIRS = {"train": 1_000_000, "valid": 1000, "test": 1000}
# Subwords of a word, roughly, for text that is not prepared yet.
_SUBWORDS = 1.3
# The dictionary of BART and GPT-2.
_GPT2_WORDS = 50_265
_SPECIAL = 4


@dataclass(frozen=True)
class TextSize:
    """sentences: by split, of a text the blocks of an epoch, as far as they are known. source, target: mean tokens,
    without bos and eos. vocabulary: entries of the dictionary.
    assumed: what of it is a guess, in words; empty where nothing is.
    """

    sentences: dict[str, int]
    source: float
    target: float
    vocabulary: int
    assumed: str = ""


def size_of(name: str, manifest: Manifest) -> TextSize:
    """The size of a corpus, of a corpus distilled from it, or of a text to pre-train on."""
    if name in manifest.texts:
        text = manifest.texts[name]
        words = _dictionary(manifest.vocabularies[text.vocabulary])
        # fairseq's epoch is one shard.
        blocks = {"train": ceil(text.sizes["blocks"] / text.shards)} if text.sizes else {}
        return TextSize(blocks, text.block, text.block, words)
    corpus = manifest.corpora[raw_of(name)]
    found, guesses = dict(corpus.sizes), []
    sentences = _ASSUMED_PAIRS | dict(corpus.lines)
    if own := _own_size(corpus):
        counted, lengths = own
        sentences, found = sentences | counted, lengths | found
    elif "train" not in corpus.lines:
        guesses.append(f"{sentences['train']:,} pairs")
    if "source" not in found or "target" not in found:
        found = dict(zip(("source", "target"), _ASSUMED[corpus.task])) | found
        guesses.append(f"{found['source']:.0f} and {found['target']:.0f} tokens a pair")
    words = _dictionary(manifest.vocabularies[corpus.vocabulary]) if corpus.vocabulary else corpus.merges + _SPECIAL
    vocabulary = int(found.get("vocabulary", words))
    return TextSize(sentences, found["source"], found["target"], vocabulary, " and ".join(guesses))


def _dictionary(vocabulary: Vocabulary) -> int:
    return vocabulary.merges + _SPECIAL if vocabulary.merges else _GPT2_WORDS


def missing_files(corpus: Corpus) -> list[Path]:
    """The user's own files of a corpus that are not there."""
    return [path for path in corpus.own_files if not path.is_file()]


def _own_size(corpus: Corpus) -> tuple[dict[str, int], dict[str, Any]] | None:
    """Pairs by split and tokens by side of the user's own files; None where there are none."""
    if not corpus.own_files or missing_files(corpus):
        return None
    if corpus.bin:
        return _binarised_size(corpus)
    # As preparation reads them, which takes separators that other readers refuse.
    texts = [list(read_lines(path)) for path in corpus.own_files]
    counted = {split: len(text) for split, text in zip(SPLITS, texts[::2])}
    if len(counted) == 1:
        held_out = {split: corpus.options[split] for split in SPLITS[1:]}
        counted = {"train": max(counted["train"] - sum(held_out.values()), 0), **held_out}
    words = (sum(len(line.split()) for line in text) / max(len(text), 1) for text in texts[:2])
    return counted, {side: _SUBWORDS * mean for side, mean in zip(("source", "target"), words)}


def _binarised_size(corpus: Corpus) -> tuple[dict[str, int], dict[str, Any]]:
    """The same, of what fairseq-preprocess made."""
    prefix = corpus.home / corpus.bin
    pair = f"{corpus.source}-{corpus.target}"
    lengths = {
        (split, side): sentence_lengths(prefix / f"{split}.{pair}.{side}") for split in SPLITS for side in corpus.sides
    }
    counted = {split: len(lengths[split, corpus.source]) for split in SPLITS}
    means = (float(lengths["train", side].mean()) if counted["train"] else 0.0 for side in corpus.sides)
    words = len(read_dictionary(prefix / f"dict.{corpus.source}.txt")) + _SPECIAL
    return counted, {**dict(zip(("source", "target"), means)), "vocabulary": words}
