"""Text to subwords of a shared vocabulary: tasks line by line, cut to their limits; running text packed in blocks."""

import itertools
import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from janus.corpora.splits import SPLITS
from janus.corpora.vocabulary import Encoder, load_encoder
from janus.errors import InputError
from janus.files import iter_lines, read_json, sha256, write_json, write_lines
from janus.provenance import Stopwatch, provenance

_BATCH = 20_000
_worker: Encoder | None = None


def encode_lines(lines: Iterable[str], vocabulary: Path, *, workers: int = 1) -> Iterator[str]:
    """Stream each line's subwords, in order, with `workers` processes and memory for a few thousand lines alone."""
    if workers == 1:
        yield from map(load_encoder(vocabulary).encode, lines)
        return
    # Forked: a spawned worker would run the caller's script again, which in a workflow has no guard against it.
    with multiprocessing.get_context("fork").Pool(workers, _start_worker, (vocabulary,)) as pool:
        # A pool's imap would read the whole input ahead; batch by batch it cannot.
        lines = iter(lines)
        while batch := list(itertools.islice(lines, _BATCH)):
            yield from pool.map(_encode, batch, chunksize=500)


def _start_worker(vocabulary: Path) -> None:
    global _worker
    _worker = load_encoder(vocabulary)


def _encode(line: str) -> str:
    return _worker.encode(line)


def encode_corpus(corpus_dir: Path, vocabulary: Path, *, workers: int = 1, progress: bool = True) -> None:
    """Write bpe/{train,valid,test}.<side> of a prepared corpus, and bpe/truncation.json.

    Its options `longest_source` and `longest_target`, where given, cut longer lines to so many subwords; references
    of the test set are never cut. truncation.json tells, for every file, the lines, those cut, the subwords lost and
    the longest line before the cut. Raises InputError where the corpus is not prepared.
    """
    corpus_dir, watch = Path(corpus_dir), Stopwatch()
    facts = read_json(corpus_dir / "corpus.json")
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
    """Cuts lines of subwords to `limit`, or counts them alone where that is None."""

    def __init__(self, limit: int | None):
        self.limit = limit
        self.counts: Counter[str] = Counter(lines=0, cut=0, subwords_lost=0, longest=0)

    def __call__(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines, none longer than the limit."""
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
    """Encode files of running text, such as one shard of every part, and write their blocks, one a line.

    The files have a paragraph a line and an empty line after each document. Counts lie beside the blocks, in
    `<blocks>.json`. Raises InputError where there is no text.
    """
    watch, texts, blocks = Stopwatch(), list(map(Path, texts)), Path(blocks)
    counts: Counter[str] = Counter()
    lines = itertools.chain.from_iterable(map(iter_lines, texts))
    lines = tqdm(lines, desc=f"BPE {blocks.name}", unit=" lines", disable=not progress)
    # A paragraph goes on after a space, as it would within a line: GPT-2's subwords hold the space before a word.
    paragraphs = encode_lines((f" {line}" for line in lines if line), vocabulary, workers=workers)
    write_lines(blocks, _counted(pack(paragraphs, block), counts))
    if not counts["blocks"]:
        raise InputError("no text", where=texts[0], mend="fetch and prepare it again")
    facts = {"block": block, "vocabulary": _identity(vocabulary), **counts, "sha256": sha256(blocks)}
    write_json(
        blocks.with_name(f"{blocks.name}.json"), provenance(watch=watch, text=[sha256(text) for text in texts], **facts)
    )


def pack(paragraphs: Iterable[str], block: int) -> Iterator[str]:
    """Join encoded paragraphs to blocks of at most `block` subwords, whole paragraphs as far as they fit.

    A block may hold the end of one document and the start of the next, as BART's do. A paragraph that is longer than
    a block is cut into blocks of its own. No subword is lost and none changes its place.
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
    facts = read_json(Path(vocabulary) / "vocabulary.json")
    return {key: facts[key] for key in ("vocabulary", "kind", "sha256")}
