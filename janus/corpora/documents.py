"""Documents out of the files that running text is published in, streamed: memory holds one document at a time.

| ending | a document is |
|---|---|
| .parquet | a row's `text`, its lines the paragraphs |
| .jsonl | a line's `text`, likewise |
| .txt | what stands between empty lines, but at most 500 lines of it |
| .tar, .tgz, .tar.* | as in .txt, for every member that ends in .txt |

Text and JSON may be compressed besides (.gz, .bz2, .xz). A flat file, like BookCorpus with a sentence a line and no
empty one, thus falls into documents of 500 lines.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from janus.corpora.opening import decoded, read_lines, stem
from janus.errors import InputError

Document = list[str]
_LONGEST = 500
_ROWS = 256


def read_documents(path: Path) -> Iterator[Document]:
    """Stream a file's documents, each a list of paragraphs, uncleaned.

    Raises InputError for an unknown ending, a missing or damaged file, a record without text, and where pyarrow, which
    alone reads .parquet, is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("download is missing", where=path, mend="fetch it first")
    plain = stem(path)
    if plain.suffix == ".tar" or path.suffix == ".tgz":
        return _tar(path)
    if plain.suffix == ".txt":
        return runs(read_lines(path))
    if plain.suffix == ".jsonl":
        return _records(path)
    if path.suffix == ".parquet":
        return _parquet(path)
    raise InputError(f"cannot be read as text ({path.suffix})", where=path, mend="give .parquet, .jsonl, .txt or .tar")


def runs(lines: Iterable[str], longest: int = _LONGEST) -> Iterator[Document]:
    """Lines between empty ones, in documents of at most `longest` lines.

    >>> list(runs(["a", "b", "", "", "c"]))
    [['a', 'b'], ['c']]
    """
    document: Document = []
    for line in lines:
        if line.strip():
            document.append(line)
        if document and (not line.strip() or len(document) == longest):
            yield document
            document = []
    if document:
        yield document


def _tar(path: Path) -> Iterator[Document]:
    try:
        # Nothing is unpacked, so no member can leave a folder.
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".txt"):
                    yield from runs(decoded(archive.extractfile(member), f"{path}, {member.name}"))
    except (tarfile.TarError, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise InputError(f"damaged archive ({reason})", where=path, mend="remove it and fetch it again") from error


def _records(path: Path) -> Iterator[Document]:
    for number, line in enumerate(read_lines(path), 1):
        try:
            text = json.loads(line)["text"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(
                "no JSON object with `text`", where=f"{path}:{number}", mend="remove it and fetch it again"
            ) from error
        yield text.split("\n")


def require_readers(names: Iterable[str]) -> None:
    """Raise InputError where a file of these names could not be read for want of pyarrow, before it is fetched."""
    for name in names:
        if name.endswith(".parquet"):
            _pyarrow(name)


def _pyarrow(where: object) -> ModuleType:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            "needs pyarrow, which is not installed", where=where, mend="pip install 'pyarrow>=18'"
        ) from error
    return pyarrow


def _parquet(path: Path) -> Iterator[Document]:
    pyarrow = _pyarrow(path)
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            if "text" not in table.schema_arrow.names:
                raise InputError("has no column `text`", where=path, mend="give a data set with running text")
            for batch in table.iter_batches(batch_size=_ROWS, columns=["text"]):
                for text in batch.column(0).to_pylist():
                    yield (text or "").split("\n")
    except pyarrow.ArrowException as error:
        raise InputError(f"damaged ({error})", where=path, mend="remove it and fetch it again") from error
