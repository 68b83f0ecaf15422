"""Multi30k task 1, raw text: lower-cased, punctuation normalised, Moses-tokenised, in upstream's own order of steps."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from janus.fetching.extract import gunzip
from janus.fetching.manifest import Corpus
from janus.text.clean import Cleaner, Pair, read_pairs, require_text
from janus.text.split_writer import SplitWriter
from janus.text.tokenise import lowercase, normalise, tokenise

_FILES = {"train": "train", "valid": "val", "test": "test_2016_flickr"}


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. `seed` is unused: nothing here is drawn."""
    languages = corpus.source, corpus.target
    cleaner = Cleaner(longest=corpus.options.get("longest", 250))
    for split, stem in _FILES.items():
        files = [_unpack(corpus, downloads, work, stem, language) for language in languages]
        pairs = read_pairs(*files)
        if split == "train":
            out.tokenised(split, cleaner(_prepared(pairs, corpus)))
        else:
            checked = list(require_text(pairs, *files))
            out.tokenised(split, _prepared(checked, corpus))
            if split == "test":
                out.raw_test((lowercase(source), lowercase(target)) for source, target in checked)
    return {"train": cleaner.report()}


def _unpack(corpus: Corpus, downloads: Path, work: Path, stem: str, language: str) -> Path:
    download = corpus.download(f"multi30k-{stem}.{language}.gz")
    return gunzip(downloads / download.name, work / f"{stem}.{language}")


def _prepared(pairs: Iterable[Pair], corpus: Corpus) -> Iterator[Pair]:
    for pair in pairs:
        source, target = (form(line, language, corpus) for line, language in zip(pair, corpus.sides))
        yield source, target


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares it."""
    return tokenise(normalise(lowercase(line), language), language)
