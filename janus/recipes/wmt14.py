"""WMT14 English-German from the ready-made raw (undistilled) set of fairseq's NAT examples.

That set is prepare-wmt14en2de.sh --icml17: Europarl v7, Common Crawl and News Commentary v9, Moses-tokenised with
`-a`, cleaned, every 100th pair as valid, newstest2014 as test. Subwords are joined, so that the BPE step here learns
its own codes on the same text. The untokenised test is newstest2014 itself.
"""

from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from janus.fetching.extract import extract
from janus.fetching.manifest import Corpus
from janus.text.clean import Pair, read_pairs, require_text
from janus.text.sgml import segments
from janus.text.split_writer import SPLITS, SplitWriter
from janus.text.subwords import remove_bpe
from janus.text.tokenise import tokenise

_TEXT, _TEST = "wmt14-original_dataset.zip", "wmt14-test-full.tgz"
_SIDES = {"de": "src", "en": "ref"}


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's: nothing is removed, the text comes cleaned.

    `seed` is unused: nothing here is drawn.
    """
    languages = corpus.source, corpus.target
    names = {split: [f"wmt14_ende/{split}.en-de.{language}" for language in languages] for split in SPLITS}
    wanted = [name for pair in names.values() for name in pair]
    files = extract(downloads / corpus.download(_TEXT).name, wanted, work)
    for split in SPLITS:
        source, target = (files[name] for name in names[split])
        pairs = tqdm(read_pairs(source, target), desc=f"reading {split}", unit=" pairs", mininterval=1)
        out.tokenised(split, _joined(require_text(pairs, source, target)))
    out.raw_test(_raw_test(corpus, downloads, work, languages))
    return {"train": {"kept": out.lines["tok/train"], "removed": {}}}


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as prepare-wmt14en2de.sh, from which the downloads are, prepares its test set."""
    return tokenise(line.replace("’", "'"), language, aggressive=True)


def _joined(pairs: Iterator[Pair]) -> Iterator[Pair]:
    return ((remove_bpe(source), remove_bpe(target)) for source, target in pairs)


def _raw_test(corpus: Corpus, downloads: Path, work: Path, languages: tuple[str, str]) -> Iterator[Pair]:
    names = [f"test-full/newstest2014-deen-{_SIDES[language]}.{language}.sgm" for language in languages]
    files = extract(downloads / corpus.download(_TEST).name, names, work)
    texts = [files[name] for name in names]
    return require_text(read_pairs(*texts, select=segments), *texts)
