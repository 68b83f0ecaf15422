"""Documents from files of running text, as a stream with one document in memory at a time.

| ending | a document is |
|---|---|
| .parquet | a row's `text`, its lines the paragraphs |
| .jsonl | a line's `text`, likewise |
| .txt | the lines between empty lines, at most 500 |
| .tar, .tgz, .tar.* | as in .txt, for every member that ends in .txt |

Text and JSON may be compressed (.gz, .bz2, .xz). A file without empty lines, like BookCorpus with one sentence per
line, is thus split into documents of 500 lines.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from janus.errors import InputError
from janus.fetching.opening import BROKEN, decoded, is_plain, open_tar, read_lines, stem
from janus.files import parse_json

Document = list[str]
_LONGEST = 500
_ROWS = 256


def read_documents(path: Path) -> Iterator[Document]:
    """Stream a file's documents, each a list of paragraphs, uncleaned.

    Raises InputError for an unknown ending, a missing or damaged file, a record without text, and if pyarrow, which
    .parquet requires, is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("download is missing", where=path, fix="fetch it first")
    plain = stem(path)
    if plain.suffix == ".tar" or path.suffix == ".tgz":
        return _tar(path)
    if plain.suffix == ".txt":
        return runs(read_lines(path))
    if plain.suffix == ".jsonl":
        return _records(path)
    if path.suffix == ".parquet":
        return _parquet(path)
    raise InputError(f"cannot be read as text ({path.suffix})", where=path, fix="give .parquet, .jsonl, .txt or .tar")


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
        # Nothing is unpacked, so no member can be written outside a folder.
        with open_tar(path) as archive:
            for member in archive:
                if is_plain(member) and member.name.endswith(".txt"):
                    yield from runs(decoded(archive.extractfile(member), f"{path}, {member.name}"))
    except BROKEN as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise InputError(f"damaged archive ({reason})", where=path, fix="remove it and fetch it again") from error


def _records(path: Path) -> Iterator[Document]:
    for number, line in enumerate(read_lines(path), 1):
        try:
            paragraphs = parse_json(line)["text"].split("\n")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(
                "no JSON object with `text`", where=f"{path}:{number}", fix="remove it and fetch it again"
            ) from error
        yield paragraphs


def require_readers(names: Iterable[str]) -> None:
    """Raise InputError, with the first name and the number of others, if files of these names cannot be read here.

    This is the case for .parquet if pyarrow is not installed. Checked before anything is fetched.
    """
    tables = sorted({Path(name).name for name in names if str(name).endswith(".parquet")})
    if tables:
        _pyarrow(tables[0] + (f" and {len(tables) - 1} more" if len(tables) > 1 else ""))


def _pyarrow(where: object) -> ModuleType:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            "needs pyarrow, which is not installed", where=where, fix="pip install 'pyarrow>=18'"
        ) from error
    return pyarrow


def _parquet(path: Path) -> Iterator[Document]:
    pyarrow = _pyarrow(path)
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            if "text" not in table.schema_arrow.names:
                raise InputError("has no column `text`", where=path, fix="give a data set with running text")
            for batch in table.iter_batches(batch_size=_ROWS, columns=["text"]):
                for text in batch.column(0).to_pylist():
                    yield (text or "").split("\n")
    except pyarrow.ArrowException as error:
        raise InputError(f"damaged ({error})", where=path, fix="remove it and fetch it again") from error
