"""A task of GLGE easy from its archives: XSum, SQuAD 1.1 question generation, PersonaChat.

The archives contain `data/easy/<task>_data/org_data/{train,dev,test}.{src,tgt}`, one example per line, already
lower-cased and tokenised; the test targets are in a separate archive. Only white space is changed.
"""

from pathlib import Path

from janus.errors import InputError
from janus.fetching.extract import extract, members
from janus.fetching.manifest import Corpus
from janus.text.one_language import tidy, tokenised_parts
from janus.text.sides import aligned, write_split
from janus.text.split_writer import SplitWriter

_PUBLIC, _HIDDEN = "glge_public.tar", "glge_hidden_v1.1.tar.gz"
_NAMES = {"train": "train", "valid": "dev", "test": "test"}
_WITHHELD = ("test", "tgt")


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. `seed` is unused: nothing here is drawn.

    Raises InputError where the options name no task, an archive lacks a file, is damaged or would write outside its
    folder (`extract.py`), or a line of dev or test is empty.
    """
    if "task" not in corpus.options:
        raise InputError("no `task`", where=f"corpus {corpus.name}, options", fix="name the folder in the archive")
    public, hidden = (downloads / corpus.download(name).name for name in (_PUBLIC, _HIDDEN))
    wanted = {
        public: [f"{name}.{side}" for name in _NAMES.values() for side in ("src", "tgt") if (name, side) != _WITHHELD],
        hidden: [f"{_WITHHELD[0]}.{_WITHHELD[1]}"],
    }
    files = {}
    for archive, names in wanted.items():
        files |= _unpack(archive, f"easy/{corpus.options['task']}_data/org_data", names, work)
    cleaning = {}
    for split, name in _NAMES.items():
        sides = files[f"{name}.src"], files[f"{name}.tgt"]
        raw = ((tidy(source), tidy(target)) for source, target in aligned(*sides))
        cleaning[split] = write_split(out, split, raw, sides, tidy)
    return {split: report for split, report in cleaning.items() if report}


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as GLGE, whose downloads are tokenised and lower-cased, writes it."""
    return tokenised_parts(line)


def _unpack(archive: Path, folder: str, names: list[str], work: Path) -> dict[str, Path]:
    """The files `<folder>/<name>` of a tar archive, at any depth."""
    there = members(archive)
    found = {}
    for name in names:
        place = f"{folder}/{name}"
        matches = [member.removeprefix("./") for member in there if f"/{member}".endswith(f"/{place}")]
        if not matches:
            raise InputError(f"lacks {place}", where=archive, fix="fetch it again from GLGE's page")
        found[name] = matches[0]
    paths = extract(archive, found.values(), work / archive.name)
    return {name: paths[member] for name, member in found.items()}
