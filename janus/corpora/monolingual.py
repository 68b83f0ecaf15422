"""Running text to pre-train on: cleaned and dealt out to shards, in a part for each download.

A whole part is kept, so that a killed run goes on with the next. The text stays in its parts.

A part's folder holds `train-<shard>.txt`, `valid.txt` and, written last, `part.json`. In the files a paragraph is a
line and an empty line ends a document. Documents go to the shards in turn, every so manieth to valid instead.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from janus.corpora import demo_text, documents
from janus.corpora.documents import Document, read_documents
from janus.corpora.manifest import Text
from janus.corpora.pairs import parts_of, tidy
from janus.corpora.tokenise import lowercase
from janus.errors import InputError
from janus.files import atomic_writer, iter_lines, read_json, sha256, write_json
from janus.provenance import Stopwatch, provenance

_PART = "part.json"
_SIDES = ("source", "target")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\ufeff\ufffd]")
_LETTER = re.compile(r"[^\W\d_]")
_SHORTEST = 4
_LONGEST_WORD = 100
_LEAST_LETTERS = 0.5


class Scrubber:
    """Cleans documents and counts what it removes.

    A paragraph goes when it has fewer than four words (headings, list marks), a word of over 100 characters, fewer
    letters than half its characters (tables, formulas), or equals the paragraph before it; a document when none is
    left. Control characters go and white space collapses. `exact` keeps every paragraph that is not empty.
    """

    def __init__(self, *, exact: bool = False, lower: bool = False):
        self.exact, self.lower = exact, lower
        self.counts: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()

    def __call__(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents that stay."""
        for document in documents:
            kept: Document = []
            for paragraph in document:
                paragraph = tidy(_CONTROL.sub("", paragraph))
                paragraph = lowercase(paragraph) if self.lower else paragraph
                reason = self._reason(paragraph, kept)
                if reason:
                    self.removed[reason] += 1
                else:
                    kept.append(paragraph)
            if kept:
                self.counts["documents"] += 1
                self.counts["paragraphs"] += len(kept)
                self.counts["characters"] += sum(map(len, kept))
                yield kept
            else:
                self.removed["document without text"] += 1

    def _reason(self, paragraph: str, kept: Document) -> str | None:
        if not paragraph:
            return "empty"
        if self.exact:
            return None
        words = paragraph.split(" ")
        if len(words) < _SHORTEST:
            return "too short"
        if max(map(len, words)) > _LONGEST_WORD:
            return "word too long"
        if len(_LETTER.findall(paragraph)) < _LEAST_LETTERS * len(paragraph):
            return "few letters"
        if paragraph in kept[-1:]:
            return "repeated"
        return None

    def report(self) -> dict[str, object]:
        """Counts for part.json and cleaning.json."""
        return {"kept": dict(sorted(self.counts.items())), "removed": dict(sorted(self.removed.items()))}


def part_names(text: Text) -> list[str]:
    """The parts that a text is made in: one a download, or a single one named after the recipe."""
    return [download.name for download in text.downloads] or [text.recipe]


def prepare_part(
    text: Text,
    part: str,
    out: Path,
    *,
    downloads: Path | None = None,
    corpora: Iterable[Path] = (),
    seed: int = 1,
    progress: bool = True,
) -> None:
    """Make one of the parts that `part_names` lists, by the text's recipe, in `out`.

    `downloads` is the folder that recipe `documents` reads, `corpora` are the prepared folders for recipe `sides`,
    `seed` draws `demo_text`. Raises InputError as the recipes do.
    """
    match text.recipe:
        case "documents":
            prepare_download(text, part, downloads, out, progress=progress)
        case "sides":
            prepare_sides(text, corpora, out, progress=progress)
        case "demo_text":
            prepare_demo(text, out, seed=seed, progress=progress)


def prepare_download(text: Text, name: str, downloads: Path, out: Path, *, progress: bool = True) -> None:
    """Make the part of the download called `name` in `out`; one that is there, of the same download, is kept.

    Raises InputError where the download is missing, damaged or holds no text.
    """
    path = Path(downloads) / name
    if not path.is_file():
        raise InputError("download is missing", where=path, mend="fetch it first")
    _write_part(text, read_documents(path), out, {name: sha256(path)}, Scrubber(lower=text.lowercase), progress)


def prepare_sides(text: Text, corpora: Iterable[Path], out: Path, *, progress: bool = True) -> None:
    """Make one part of the training sides of prepared corpora, given by folder, in `out`.

    Each source falls at its separators into its parts, the target follows; what occurred before is left out, so that
    a section with ten questions, or a turn that is the history of five replies, counts once.
    """
    corpora = list(map(Path, corpora))
    origin = {}
    for folder in corpora:
        facts = read_json(folder / "corpus.json")
        origin |= {f"{facts['corpus']}/{side}": facts["sha256"][f"tok/train.{facts[side]}"] for side in _SIDES}
    drawn = (document for folder in corpora for document in _fresh(folder))
    _write_part(text, drawn, out, origin, Scrubber(exact=True, lower=text.lowercase), progress)


def prepare_demo(text: Text, out: Path, *, seed: int = 1, progress: bool = True) -> None:
    """Generate the part of a demo text in `out`; the same seed gives the same text."""
    drawn = demo_text.documents(seed=f"{text.name}/{seed}", **text.options)
    _write_part(text, drawn, out, {"seed": str(seed)}, Scrubber(exact=True), progress)


def gather(text: Text, parts: Iterable[Path], out: Path) -> None:
    """Check that the parts together have text for every file; write `cleaning.json` and, last, `text.json` to `out`.

    The text itself stays in the parts: there is much of it. Raises InputError where a part is not whole, or no part
    has a document for a file.
    """
    watch, out, parts = Stopwatch(), Path(out), list(map(Path, parts))
    facts = [read_json(part / _PART) for part in parts]
    for name in file_names(text):
        if not any((part / name).stat().st_size for part in parts):
            raise InputError(f"no document for {name}", where=out, mend="lower `shards` or `valid_every`, or add text")
    write_json(out / "cleaning.json", {part.name: fact["cleaning"] for part, fact in zip(parts, facts)})
    record = {
        "text": text.name,
        "recipe": text.recipe,
        "licence": text.licence,
        "lowercase": text.lowercase,
        "options": dict(text.options),
        "origin": {key: value for fact in facts for key, value in fact["origin"].items()},
        "kept": dict(sum((Counter(fact["cleaning"]["kept"]) for fact in facts), Counter())),
        "sha256": {part.name: fact["sha256"] for part, fact in zip(parts, facts)},
    }
    write_json(out / "text.json", provenance(watch=watch, **record))


def file_names(text: Text) -> list[str]:
    """The files of a text or of a part of it, valid last."""
    return [*(f"train-{shard:03d}.txt" for shard in range(text.shards)), "valid.txt"]


def _fresh(folder: Path) -> Iterator[Document]:
    facts = read_json(folder / "corpus.json")
    files = [iter_lines(folder / "tok" / f"train.{facts[side]}") for side in _SIDES]
    seen: set[str] = set()
    for source, target in zip(*files):
        document = [part for part in dict.fromkeys((*parts_of(source), target)) if part not in seen]
        seen.update(document)
        if document:
            yield document


def _write_part(
    text: Text, drawn: Iterable[Document], out: Path, origin: dict[str, str], scrubber: Scrubber, progress: bool
) -> None:
    out = Path(out)
    settings = {"shards": text.shards, "valid_every": text.valid_every, "lowercase": text.lowercase}
    settings |= {"options": dict(text.options), "code": [sha256(Path(module.__file__)) for module in _CODE]}
    if _is_whole(out, settings, origin):
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / _PART).unlink(missing_ok=True)
    watch = Stopwatch()
    with ExitStack() as stack:
        *train, valid = [stack.enter_context(atomic_writer(out / name)) for name in file_names(text)]
        bar = tqdm(scrubber(drawn), desc=out.name, unit=" documents", disable=not progress, mininterval=1)
        for number, document in enumerate(bar):
            held_out = number % text.valid_every == text.valid_every - 1
            stream = valid if held_out else train[number % text.shards]
            stream.writelines(f"{paragraph}\n" for paragraph in document)
            stream.write("\n")
    if not scrubber.counts["documents"]:
        raise InputError("no text is left after cleaning", where=", ".join(origin), mend="fetch it again, or leave it")
    record = {"settings": settings, "origin": origin, "cleaning": scrubber.report()}
    record |= {"sha256": {name: sha256(out / name) for name in file_names(text)}}
    write_json(out / _PART, provenance(watch=watch, **record))


# A part that other code made is no part of this text.
_CODE = (sys.modules[__name__], documents, demo_text)


def _is_whole(out: Path, settings: dict[str, object], origin: dict[str, str]) -> bool:
    """Whether a part lies there that the same input and settings made."""
    if not (out / _PART).is_file():
        return False
    facts = read_json(out / _PART)
    return facts["settings"] == settings and facts["origin"] == origin
