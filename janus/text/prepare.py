"""From downloads to a prepared corpus: the recipes, the files they leave, and the checks on them."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from janus.errors import InputError
from janus.fetching.manifest import SPLITS, Corpus, Download
from janus.files import git_blob_hash, sha256, write_json
from janus.recipes.by_recipe import builder
from janus.records.provenance import Stopwatch, provenance
from janus.text.split_writer import SplitWriter


def prepare(corpus: Corpus, downloads: Path, out: Path, *, seed: int = 1) -> None:
    """Make `tok/`, `raw/`, `cleaning.json` and `corpus.json` in `out` from the files that `fetch` put in `downloads`.

    `seed` is for generated corpora; the others are the same for every seed. `corpus.json` is written last, so that its
    presence means a complete corpus: recipe, languages, line counts, SHA-256 of every file, downloads used.

    Raises InputError if a download is missing, the text is unsuitable (see `clean.py`), a split is empty or does not
    have the number of lines in the manifest, or a file does not have the git blob hash in the manifest.
    """
    watch = Stopwatch()
    downloads, out = Path(downloads), Path(out)
    used = {download.name: _digest(downloads / download.name, download) for download in corpus.downloads}
    out.mkdir(parents=True, exist_ok=True)
    (out / "corpus.json").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".work.") as work:
        with SplitWriter(out, corpus.source, corpus.target) as writer:
            cleaning = builder(corpus.recipe).build(corpus, downloads, Path(work), writer, seed=seed)
            _check_lines(corpus, writer, out)
    check_blobs(corpus, out, below="tok")
    write_json(out / "cleaning.json", cleaning | _respaced(writer))
    write_json(out / "corpus.json", provenance(watch=watch, **_facts(corpus, writer, out, used, seed)))


def check_blobs(corpus: Corpus, out: Path, *, below: str) -> None:
    """Compare the prepared files under `out/<below>` with the manifest's git blob hashes, or prefixes of them."""
    for name, expected in corpus.blobs.items():
        if not name.startswith(f"{below}/"):
            continue
        found = git_blob_hash(out / name)
        if not found.startswith(expected):
            raise InputError(
                f"git blob hash is {found}, expected {expected}",
                where=out / name,
                fix="download or tools differ from the reference; compare versions, or correct config/corpora.yaml",
            )


def _digest(path: Path, download: Download) -> str:
    if not path.is_file():
        raise InputError("download is missing", where=path, fix="fetch it first")
    found = sha256(path)
    # A file that was put there manually was not checked by `fetch`.
    if download.sha256 not in (None, found):
        raise InputError(
            f"sha256 is {found}, the manifest says {download.sha256}",
            where=path,
            fix="move it away and run again: it will be fetched",
        )
    return found


def _check_lines(corpus: Corpus, writer: SplitWriter, out: Path) -> None:
    counts = {split: writer.lines[f"tok/{split}"] for split in SPLITS}
    for split, count in counts.items():
        expected = corpus.lines.get(split)
        if not count or expected not in (None, count):
            raise InputError(
                f"{count:,} pairs after preparation, expected {'some' if expected is None else format(expected, ',')}",
                where=f"{out / 'tok' / split}.{corpus.source}-{corpus.target}",
                fix="fetch the downloads again, or correct `lines` in config/corpora.yaml",
            )
    if writer.lines["raw/test"] != counts["test"]:
        raise InputError(
            f"{writer.lines['raw/test']:,} untokenised test lines for {counts['test']:,} tokenised ones",
            where=out / "raw",
            fix="fetch the downloads again",
        )


def _respaced(writer: SplitWriter) -> dict[str, object]:
    return {"respaced lines": dict(sorted(writer.respaced.items()))} if writer.respaced else {}


def _facts(corpus: Corpus, writer: SplitWriter, out: Path, used: Mapping[str, str], seed: int) -> dict[str, object]:
    names = [*(f"tok/{split}" for split in SPLITS), "raw/test"]
    # Relative to the manifest, which may name files outside its folder.
    own = {os.path.relpath(path, corpus.home): sha256(path) for path in corpus.own_files}
    files = sorted(out / f"{name}.{language}" for name in names for language in writer.languages)
    return {
        "corpus": corpus.name,
        "recipe": corpus.recipe,
        "source": corpus.source,
        "target": corpus.target,
        "lowercase": corpus.lowercase,
        "licence": corpus.licence,
        "options": dict(corpus.options),
        "seed": seed,
        "lines": {split: writer.lines[f"tok/{split}"] for split in SPLITS},
        "sha256": {str(path.relative_to(out)): sha256(path) for path in files},
        **({"own files": own} if own else {}),
        "downloads": {
            name: {"sha256": digest, "trust": "manifest" if corpus.download(name).sha256 else "first use"}
            for name, digest in used.items()
        },
    }
