"""From downloads to a prepared corpus: the recipes, the files they leave, and the checks on them."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from janus.corpora import demo_tasks, dialogue, glge, grammar, iwslt14, multi30k, questions, summaries, wmt14, wmt16
from janus.corpora.manifest import Corpus
from janus.corpora.splits import SPLITS, SplitWriter
from janus.errors import InputError
from janus.files import git_blob_hash, sha256, write_json
from janus.provenance import Stopwatch, provenance

Recipe = Callable[..., dict[str, object]]
_RECIPES: Mapping[str, Recipe] = {
    "grammar": grammar.build,
    "iwslt14": iwslt14.build,
    "multi30k": multi30k.build,
    "wmt14": wmt14.build,
    "wmt16": wmt16.build,
    "glge": glge.build,
    "summaries": summaries.build,
    "questions": questions.build,
    "dialogue": dialogue.build,
    **{f"demo_{task}": demo_tasks.build for task in demo_tasks.TASKS},
}


def prepare(corpus: Corpus, downloads: Path, out: Path, *, seed: int = 1) -> None:
    """Make `tok/`, `raw/`, `cleaning.json` and `corpus.json` below `out` from what `fetch` brought into `downloads`.

    `seed` draws the generated corpora; the others are the same for every seed. `corpus.json` is written last, so
    that its presence means a whole corpus: recipe, languages, line counts, SHA-256 of every file, downloads used.

    Raises InputError where a download is missing, the text is unfit (see `clean.py`), a split is empty or has not
    the lines that the manifest expects, or a file has not the git blob hash that the manifest gives.
    """
    watch = Stopwatch()
    downloads, out = Path(downloads), Path(out)
    used = {download.name: _digest(downloads / download.name) for download in corpus.downloads}
    out.mkdir(parents=True, exist_ok=True)
    (out / "corpus.json").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".work.") as work:
        with SplitWriter(out, corpus.source, corpus.target) as writer:
            cleaning = _RECIPES[corpus.recipe](corpus, downloads, Path(work), writer, seed=seed)
            _check_lines(corpus, writer, out)
    check_blobs(corpus, out, below="tok")
    write_json(out / "cleaning.json", cleaning)
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
                mend="download or tools differ from the reference; compare versions, or correct config/corpora.yaml",
            )


def _digest(path: Path) -> str:
    if not path.is_file():
        raise InputError("download is missing", where=path, mend="fetch it first")
    return sha256(path)


def _check_lines(corpus: Corpus, writer: SplitWriter, out: Path) -> None:
    counts = {split: writer.lines[f"tok/{split}"] for split in SPLITS}
    for split, count in counts.items():
        expected = corpus.lines.get(split)
        if not count or expected not in (None, count):
            raise InputError(
                f"{count:,} pairs after preparation, expected {'some' if expected is None else format(expected, ',')}",
                where=f"{out / 'tok' / split}.{corpus.source}-{corpus.target}",
                mend="fetch the downloads again, or correct `lines` in config/corpora.yaml",
            )
    if writer.lines["raw/test"] != counts["test"]:
        raise InputError(
            f"{writer.lines['raw/test']:,} untokenised test lines for {counts['test']:,} tokenised ones",
            where=out / "raw",
            mend="fetch the downloads again",
        )


def _facts(corpus: Corpus, writer: SplitWriter, out: Path, used: Mapping[str, str], seed: int) -> dict[str, object]:
    names = [*(f"tok/{split}" for split in SPLITS), "raw/test"]
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
        "downloads": {
            name: {"sha256": digest, "trust": "manifest" if corpus.download(name).sha256 else "first use"}
            for name, digest in used.items()
        },
    }
