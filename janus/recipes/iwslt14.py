"""IWSLT14 German-English, with the steps of fairseq's prepare-iwslt14.sh.

Training text: mark-up lines dropped, titles and descriptions kept without their tags, Moses-tokenised, cleaned
(ratio 1.5, 1 to 175 tokens), lower-cased; every 23rd pair of it becomes valid. Test: the segments of dev2010,
TEDX.dev2012 and tst2010 to tst2012, in that order, uncleaned.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from janus.fetching.extract import extract
from janus.fetching.manifest import Corpus
from janus.text.clean import Cleaner, Pair, read_pairs, require_text
from janus.text.split_writer import SplitWriter
from janus.text.tokenise import lowercase, tokenise

_ARCHIVE = "iwslt14-de-en.tgz"
_TEST_SETS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")
_DROPPED = ("<url>", "<talkid>", "<keywords>")
_TAGS = re.compile("</?(?:title|description)>")
_SEGMENT_START = re.compile(r'<seg id="[0-9]*">\s*')
_SEGMENT_END = re.compile(r"\s*</seg>\s*")
_VALID_EVERY = 23


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. `seed` is unused: nothing here is drawn."""
    languages = corpus.source, corpus.target
    members = {language: _members(language) for language in languages}
    archive = downloads / corpus.download(_ARCHIVE).name
    extract(archive, [name for names in members.values() for name in names], work)
    train, *tests = ([work / name for name in names] for names in zip(*members.values()))
    cleaner = Cleaner(ratio=1.5, shortest=1, longest=175)
    for number, pair in enumerate(cleaner(_training_pairs(train, languages)), 1):
        split = "valid" if number % _VALID_EVERY == 0 else "train"
        out.tokenised(split, [(lowercase(pair[0]), lowercase(pair[1]))])
    for files in tests:
        _write_test(files, corpus, out)
    return {"train": cleaner.report()}


def _members(language: str) -> list[str]:
    """The archive's files for a language: training text, then the test sets in the recipe's order."""
    tests = [f"de-en/IWSLT14.{name}.de-en.{language}.xml" for name in _TEST_SETS]
    return [f"de-en/train.tags.de-en.{language}", *tests]


def _training_pairs(files: list[Path], languages: tuple[str, str]) -> Iterator[Pair]:
    pairs = tqdm(read_pairs(*files, select=training_text), desc="tokenising", unit=" pairs", mininterval=1)
    return ((tokenise(source, languages[0]), tokenise(target, languages[1])) for source, target in pairs)


def training_text(lines: Iterable[str]) -> Iterator[str]:
    """The text of a `train.tags` file: mark-up lines dropped, title and description tags stripped."""
    for line in lines:
        if not any(tag in line for tag in _DROPPED):
            yield _TAGS.sub("", line)


def segments(lines: Iterable[str]) -> Iterator[str]:
    """The segments of a test set's XML, one per line, with plain apostrophes as in the recipe."""
    for line in lines:
        if "<seg id" in line:
            yield _plain(_SEGMENT_END.sub("", _SEGMENT_START.sub("", line)))


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares the test sets; in training apostrophes are kept."""
    return lowercase(tokenise(_plain(line), language))


def _plain(line: str) -> str:
    return line.replace("’", "'")


def _write_test(files: list[Path], corpus: Corpus, out: SplitWriter) -> None:
    raw = list(require_text(read_pairs(*files, select=segments), *files))
    out.tokenised("test", ((form(s, corpus.source, corpus), form(t, corpus.target, corpus)) for s, t in raw))
    out.raw_test((lowercase(source), lowercase(target)) for source, target in raw)
