"""Package summaries: from the description of a Debian package to its one-line synopsis, similar to XSum."""

from pathlib import Path

from janus.fetching.manifest import Corpus
from janus.text.one_language import tidy, tokenised
from janus.text.sides import aligned, write_split
from janus.text.split_writer import SPLITS, SplitWriter


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. `seed` is unused: nothing here is drawn."""
    cleaning = {}
    for split in SPLITS:
        files = tuple(
            downloads / corpus.download(f"package-summaries-{split}.{side}.xz").name for side in ("src", "tgt")
        )
        raw = ((tidy(source), tidy(target)) for source, target in aligned(*files))
        cleaning[split] = write_split(out, split, raw, files, tokenised)
    return {split: report for split, report in cleaning.items() if report}


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares it."""
    return tokenised(line)
