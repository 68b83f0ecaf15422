"""Running text for pre-training: cleaned and distributed to shards, in one part per download.

Complete parts are kept, so that an interrupted run continues with the next. The text stays in its parts.

The folder of a part contains `train-<shard>.txt`, `valid.txt` and, written last, `part.json`. In the files a paragraph
is a line and an empty line ends a document. Documents go to the shards in turn, every n-th to valid instead.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from janus.closure import digest_of_code
from janus.errors import InputError
from janus.fetching.manifest import Text
from janus.files import atomic_writer, iter_lines, sha256, write_json
from janus.recipes.by_recipe import text_name, text_source
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import CORPUS, PART, read_record
from janus.text.one_language import parts_of, tidy
from janus.text.tokenise import lowercase

# A document is a list of paragraphs.
Document = list[str]

_PART = "part.json"
_ROOT = Path(__file__).resolve().parents[2]
_SIDES = ("source", "target")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\ufeff\ufffd]")
_LETTER = re.compile(r"[^\W\d_]")
_SHORTEST = 4
_LONGEST_WORD = 100
_LEAST_LETTERS = 0.5


class Scrubber:
    """Cleans documents and counts what it removes.

    A paragraph is removed if it has fewer than four words (headings, list marks), a word of over 100 characters, fewer
    letters than half its characters (tables, formulas), or equals the paragraph before it; a document if no paragraph
    is left. Control characters are removed and white space is collapsed. `exact` keeps every non-empty paragraph.
    """

    def __init__(self, *, exact: bool = False, lower: bool = False):
        self.exact, self.lower = exact, lower
        self.counts: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()

    def __call__(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The remaining documents."""
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
    """Make one of the parts of `text.parts`, by the text's recipe, in `out`.

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
    """Make the part of the download called `name` in `out`; an existing one of the same download is kept.

    Raises InputError where the download is missing, damaged or holds no text.
    """
    path = Path(downloads) / name
    if not path.is_file():
        raise InputError("download is missing", where=path, fix="fetch it first")
    _write_part(
        text,
        text_source(text.recipe).read_documents(path),
        out,
        {name: sha256(path)},
        Scrubber(lower=text.lowercase),
        progress,
    )


def prepare_sides(text: Text, corpora: Iterable[Path], out: Path, *, progress: bool = True) -> None:
    """Make one part of the training sides of prepared corpora, given by folder, in `out`.

    Each source is split at its separators, followed by the target; text that occurred before is left out, so that a
    section with ten questions, or a turn in the history of five replies, counts once.
    """
    corpora = list(map(Path, corpora))
    origin = {}
    for folder in corpora:
        facts = read_record(folder / "corpus.json", CORPUS, "corpus", "sha256", "source", "target")
        origin |= {f"{facts['corpus']}/{side}": facts["sha256"][f"tok/train.{facts[side]}"] for side in _SIDES}
    drawn = (document for folder in corpora for document in _fresh(folder))
    _write_part(text, drawn, out, origin, Scrubber(exact=True, lower=text.lowercase), progress)


def prepare_demo(text: Text, out: Path, *, seed: int = 1, progress: bool = True) -> None:
    """Generate the part of a demo text in `out`; the same seed gives the same text."""
    drawn = text_source(text.recipe).documents(seed=f"{text.name}/{seed}", **text.options)
    _write_part(text, drawn, out, {"seed": str(seed)}, Scrubber(exact=True), progress)


def gather(text: Text, parts: Iterable[Path], out: Path) -> None:
    """Check that the parts together have text for every file; write `cleaning.json` and, last, `text.json` to `out`.

    The text itself, which is large, stays in the parts. Raises InputError if a part is not complete, or no part has a
    document for a file.
    """
    watch, out, parts = Stopwatch(), Path(out), list(map(Path, parts))
    facts = [read_record(part / _PART, PART, *PART) for part in parts]
    for name in file_names(text):
        if not any((part / name).stat().st_size for part in parts):
            raise InputError(f"no document for {name}", where=out, fix="lower `shards` or `valid_every`, or add text")
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
    facts = read_record(folder / "corpus.json", CORPUS, "source", "target")
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
    # Parts made by other code do not belong to this text.
    settings |= {"options": dict(text.options), "code": digest_of_code(_ROOT, __name__, text_name(text.recipe))}
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
        raise InputError("no text is left after cleaning", where=", ".join(origin), fix="fetch it again, or leave it")
    record = {"settings": settings, "origin": origin, "cleaning": scrubber.report()}
    record |= {"sha256": {name: sha256(out / name) for name in file_names(text)}}
    write_json(out / _PART, provenance(watch=watch, **record))


def _is_whole(out: Path, settings: dict[str, object], origin: dict[str, str]) -> bool:
    """Whether there is a part that was made from the same input and settings."""
    if not (out / _PART).is_file():
        return False
    facts = read_record(out / _PART, PART, *PART)
    return facts["settings"] == settings and facts["origin"] == origin
