"""The table of how complex raw and distilled training text is."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from janus.files import atomic_writer
from janus.records.shapes import COMPLEXITY, read_record
from janus.report.csvfile import to_csv, to_markdown

_COLUMNS = (
    "text",
    "teacher",
    "beam",
    "pairs",
    "words",
    "vocabulary",
    "entropy by word",
    "entropy by token",
    "divergence",
)
_CAPTION = (
    "**Raw and distilled training text** (Zhou, Gu and Neubig, 2020): the entropy, in nats, of a target word given the "
    "source word that it is aligned with, and the divergence of the distilled from the raw translations of a word"
)


def write_complexity(files: Iterable[Path], stem: Path) -> None:
    """Write `<stem>.md` and `<stem>.csv` from files of `janus.metrics.complexity`."""
    rows = list(dict.fromkeys(tuple(row.items()) for path in files for row in _rows(path)))
    records = [dict(row) for row in rows]
    with atomic_writer(stem.with_name(f"{stem.name}.md")) as stream:
        stream.write(f"{_CAPTION}\n\n{to_markdown(_COLUMNS, records)}")
    with atomic_writer(stem.with_name(f"{stem.name}.csv")) as stream:
        stream.write(to_csv(_COLUMNS, records))


def _rows(path: Path) -> Iterator[dict[str, object]]:
    content = read_record(path, COMPLEXITY, *COMPLEXITY)
    facts = content["provenance"]
    names = {"raw": facts["distilled"]["of"], "distilled": facts["corpus"]}
    for kind, text in content["texts"].items():
        distilled = kind == "distilled"
        yield {
            "text": names[kind],
            "teacher": facts["distilled"]["teacher"] if distilled else None,
            "beam": facts["distilled"]["settings"]["beam"] if distilled else None,
            "pairs": facts["pairs"],
            "words": text["words"],
            "vocabulary": text["vocabulary"],
            "entropy by word": f"{text['by_word']:.3f}",
            "entropy by token": f"{text['by_token']:.3f}",
            "divergence": f"{text['divergence']:.3f}" if distilled else None,
        }
