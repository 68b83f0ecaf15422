"""Text to subwords of a shared vocabulary: tasks line by line, truncated to limits; running text packed in blocks."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from janus.errors import InputError
from janus.files import iter_lines, sha256, write_json, write_lines
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import CORPUS, VOCABULARY, read_record
from janus.text.parallel_lines import map_lines
from janus.text.split_writer import SPLITS
from janus.text.vocabulary import load_encoder


def encode_lines(lines: Iterable[str], vocabulary: Path, *, workers: int = 1) -> Iterator[str]:
    """Stream the subwords of each line, in order, with `workers` processes and memory for only a few thousand lines."""
    return map_lines(lambda: load_encoder(vocabulary).encode, lines, workers=workers)


def encode_corpus(corpus_dir: Path, vocabulary: Path, *, workers: int = 1, progress: bool = True) -> None:
    """Write bpe/{train,valid,test}.<side> of a prepared corpus, and bpe/truncation.json.

    Its options `longest_source` and `longest_target`, if given, are the limits to which longer lines are truncated;
    references of the test set are never truncated. truncation.json has, for every file, the number of lines, of
    truncated lines and of lost subwords, and the longest original line. Raises InputError if the corpus is not
    prepared.
    """
    corpus_dir, watch = Path(corpus_dir), Stopwatch()
    facts = read_record(corpus_dir / "corpus.json", CORPUS, "corpus", "options", "source", "target")
    limits = {facts[side]: facts["options"].get(f"longest_{side}") for side in ("source", "target")}
    report = {}
    for split in SPLITS:
        for side, limit in limits.items():
            name = f"{split}.{side}"
            cut = Cutter(None if split == "test" and side == facts["target"] else limit)
            lines = tqdm(iter_lines(corpus_dir / "tok" / name), desc=f"BPE {name}", disable=not progress)
            write_lines(corpus_dir / "bpe" / name, cut(encode_lines(lines, vocabulary, workers=workers)))
            report[name] = cut.report()
    write_json(
        corpus_dir / "bpe" / "truncation.json",
        provenance(watch=watch, corpus=facts["corpus"], vocabulary=_identity(vocabulary), files=report),
    )


class Cutter:
    """Truncates lines of subwords to `limit`, or only counts them if that is None."""

    def __init__(self, limit: int | None):
        self.limit = limit
        self.counts: Counter[str] = Counter(lines=0, cut=0, subwords_lost=0, longest=0)

    def __call__(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines, truncated to the limit."""
        for line in lines:
            subwords = line.split(" ")
            self.counts["lines"] += 1
            self.counts["longest"] = max(self.counts["longest"], len(subwords))
            if self.limit is not None and len(subwords) > self.limit:
                self.counts["cut"] += 1
                self.counts["subwords_lost"] += len(subwords) - self.limit
                line = " ".join(subwords[: self.limit])
            yield line

    def report(self) -> dict[str, object]:
        """The limit and the counts."""
        return {"limit": self.limit, **self.counts}


def encode_text(
    texts: Iterable[Path], blocks: Path, vocabulary: Path, *, block: int, workers: int = 1, progress: bool = True
) -> None:
    """Encode files of running text, such as one shard of every part, and write their blocks, one per line.

    The files have one paragraph per line and an empty line after each document. Counts are written next to the blocks,
    to `<blocks>.json`. Raises InputError if there is no text.
    """
    watch, texts, blocks = Stopwatch(), list(map(Path, texts)), Path(blocks)
    counts: Counter[str] = Counter()
    lines = itertools.chain.from_iterable(map(iter_lines, texts))
    lines = tqdm(lines, desc=f"BPE {blocks.name}", unit=" lines", disable=not progress)
    # Paragraphs begin with a space, as inside a line: GPT-2's subwords include the space before a word.
    paragraphs = encode_lines((f" {line}" for line in lines if line), vocabulary, workers=workers)
    write_lines(blocks, _counted(pack(paragraphs, block), counts))
    if not counts["blocks"]:
        raise InputError("no text", where=texts[0], fix="fetch and prepare it again")
    facts = {"block": block, "vocabulary": _identity(vocabulary), **counts, "sha256": sha256(blocks)}
    write_json(
        blocks.with_name(f"{blocks.name}.json"), provenance(watch=watch, text=[sha256(text) for text in texts], **facts)
    )


def pack(paragraphs: Iterable[str], block: int) -> Iterator[str]:
    """Join encoded paragraphs to blocks of at most `block` subwords, with whole paragraphs as far as they fit.

    A block may contain the end of one document and the start of the next, as in BART. A paragraph longer than a block
    is split into separate blocks. No subword is lost, and their order does not change.
    """
    held: list[str] = []
    for paragraph in paragraphs:
        subwords = paragraph.split()
        if held and len(held) + len(subwords) > block:
            yield " ".join(held)
            held = []
        while len(subwords) > block:
            yield " ".join(subwords[:block])
            subwords = subwords[block:]
        held += subwords
    if held:
        yield " ".join(held)


def _counted(blocks: Iterable[str], counts: Counter[str]) -> Iterator[str]:
    for line in blocks:
        counts["blocks"] += 1
        counts["subwords"] += line.count(" ") + 1
        yield line


def _identity(vocabulary: Path) -> dict[str, object]:
    facts = read_record(Path(vocabulary) / "vocabulary.json", VOCABULARY, *VOCABULARY)
    return {key: facts[key] for key in ("vocabulary", "kind", "sha256")}
