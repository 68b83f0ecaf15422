"""A further test set of a corpus: its text, prepared and encoded as the corpus's own test set was."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import iter_lines, sha256, write_json, write_lines
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import CORPUS, read_record
from janus.text.clean import read_pairs, require_text
from janus.text.encode import Cutter
from janus.text.given import encoded
from janus.text.tokenise_alike import cased, tokenise_alike


def prepare_test_set(
    name: str, files: Mapping[str, Path], corpus_dir: Path, out: Path, *, tokenised: bool, folded: bool
) -> None:
    """Write tok/test.<side>, raw/test.<side> and corpus.json of a further test set to `out`.

    files: the text, by side, source first. corpus_dir: the prepared corpus whose tokens these are made like. tokenised:
    the text is already. folded: the corpus is lower-cased. Raises InputError for no lines, sides of different lengths,
    an empty line, and text that cannot be tokenised like the corpus.
    """
    watch, corpus_dir, out = Stopwatch(), Path(corpus_dir), Path(out)
    pairs = list(require_text(read_pairs(*files.values()), *files.values()))
    if not pairs:
        raise InputError("no lines", where=next(iter(files.values())), fix="give a test set of at least one sentence")
    how: dict[str, Any] = {}
    for side, lines in zip(files, zip(*pairs, strict=True), strict=True):
        text = cased(lines, folded)
        words = [" ".join(line.split()) for line in text]
        if not tokenised:
            own = {"raw": corpus_dir / f"raw/test.{side}", "tokens": corpus_dir / f"tok/test.{side}"}
            words, how[side] = tokenise_alike(text, **own, language=side, folded=folded, where=files[side])
        _require_words(words, files[side])
        write_lines(out / f"raw/test.{side}", (" ".join(line.split()) for line in text))
        write_lines(out / f"tok/test.{side}", words)
    written = [out / f"{folder}/test.{side}" for folder in ("tok", "raw") for side in files]
    facts = read_record(corpus_dir / "corpus.json", CORPUS, "corpus")
    record = {
        "corpus": name,
        "of": {"corpus": facts["corpus"], "record": sha256(corpus_dir / "corpus.json")},
        "source": next(iter(files)),
        "target": list(files)[1],
        "lines": {"test": len(pairs)},
        "given": {path.name: sha256(path) for path in files.values()},
        "made": how,
        "sha256": {str(path.relative_to(out)): sha256(path) for path in written},
    }
    write_json(out / "corpus.json", provenance(watch=watch, **record))


def _require_words(lines: Sequence[str], path: Path) -> None:
    """Raise InputError at a line of which no token is left, such as one of control characters."""
    for number, line in enumerate(lines, 1):
        if not line:
            fix = "fill it or remove it from both sides"
            raise InputError("empty line after preparation", where=f"{path}:{number}", fix=fix)


def encode_test_set(
    tokens: Path, out: Path, *, source: str, target: str, codes: Path, vocabulary: Path | None, longest: int | None
) -> None:
    """Write the subwords of tok/test.<side> to `out`; sources are cut to the `longest` of the corpus, if it has one."""
    for side, limit in ((source, longest), (target, None)):
        lines = encoded(list(iter_lines(tokens / f"test.{side}")), codes=codes, vocabulary=vocabulary)
        write_lines(out / f"test.{side}", Cutter(limit)(lines))
