"""FairytaleQA for question generation: source `answer [SEP] section` as GLGE writes SQuAD's, target the question."""

from pathlib import Path

from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.text.one_language import SEPARATOR, joined, tidy, tokenised_parts
from janus.text.sides import aligned, write_split
from janus.text.split_writer import SPLITS, SplitWriter

_NAMES = {"train": "train", "valid": "val", "test": "test"}
_SIDES = ("answer", "src", "tgt")


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. `seed` is unused: nothing here is drawn.

    Raises InputError where an answer or a section holds the separator itself or, in valid and test, is empty.
    """
    cleaning = {}
    for split in SPLITS:
        files = [downloads / corpus.download(f"fairytaleqa-{_NAMES[split]}.{side}.xz").name for side in _SIDES]
        rows = enumerate(aligned(*files), 1)
        raw = ((_source(answer, section, files, number), tidy(target)) for number, (answer, section, target) in rows)
        cleaning[split] = write_split(out, split, raw, (files[1], files[2]), tokenised_parts)
    return {split: report for split, report in cleaning.items() if report}


def _source(answer: str, section: str, files: list[Path], number: int) -> str:
    """The two parts joined, or empty if one of them is: such a source is invalid."""
    parts = tidy(answer), tidy(section)
    for part, path in zip(parts, files):
        if SEPARATOR in part:
            raise InputError(f"holds {SEPARATOR}", where=f"{path}:{number}", fix="replace it in the text")
    return joined(parts) if all(parts) else ""


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares it: an answer, the separator and a section, or a question."""
    return tokenised_parts(line)
