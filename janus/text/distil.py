"""A distilled corpus in place of a prepared one: raw sources and held-out sets, a teacher's training targets.

The teacher's translations come in parts, a file of subwords each (`janus.decoding.driver.decode_file`).
"""

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import iter_lines, sha256, write_json, write_lines
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import CORPUS, DECODED, read_record
from janus.text.split_writer import SPLITS
from janus.text.subwords import remove_bpe

# Facts of the raw corpus that are the distilled one's too.
_SHARED = ("recipe", "source", "target", "lowercase", "licence", "options", "lines")


def distil(
    raw: Path,
    parts: Sequence[Path],
    out: Path,
    *,
    corpus: str,
    teacher: Mapping[str, Any],
    decode: Callable[[str], str] = remove_bpe,
) -> None:
    """Make the folder `out` of a distilled corpus, with all that a prepared corpus has: tok, raw, bpe and records.

    raw: the folder of the raw corpus. parts: the teacher's translations of its training set, in order, each with its
    record. teacher: what the record says of it. decode: the words of a line of subwords. The vocabulary, the training
    sources and the validation and test sets are the raw corpus's. Raises InputError where the parts are no translation
    of the training set, or are not of one checkpoint.
    """
    watch, raw, out = Stopwatch(), Path(raw), Path(out)
    facts = read_record(raw / "corpus.json", CORPUS, "corpus", "sha256", "source", "target")
    source, target = facts["source"], facts["target"]
    checkpoint, settings = _origin(parts, raw / "bpe" / f"train.{source}")
    for folder in ("tok", "raw", "bpe"):
        for path in sorted((raw / folder).iterdir()):
            if path.is_file() and path.name != f"train.{target}":
                (out / folder).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, out / folder / path.name)
    write_lines(out / "bpe" / f"train.{target}", _lines(parts))
    write_lines(out / "tok" / f"train.{target}", map(decode, _lines(parts)))
    counts = _counts(out / "bpe" / f"train.{target}", raw / "bpe" / f"train.{target}")
    write_json(out / "cleaning.json", {"distilled": counts})
    names = [*(f"tok/{split}" for split in SPLITS), "raw/test"]
    files = sorted(out / f"{name}.{side}" for name in names for side in (source, target))
    write_json(
        out / "corpus.json",
        provenance(
            watch=watch,
            corpus=corpus,
            distilled={"of": facts["corpus"], **teacher, "checkpoint": checkpoint, "settings": settings, **counts},
            raw={"sha256": facts["sha256"], "record": sha256(raw / "corpus.json")},
            **{key: facts[key] for key in _SHARED},
            sha256={str(path.relative_to(out)): sha256(path) for path in files},
        ),
    )


def _origin(parts: Sequence[Path], source: Path) -> tuple[str, Mapping[str, Any]]:
    """The digest of the checkpoint that translated the parts, and how it decoded."""
    records = [
        read_record(part.with_name(f"{part.name}.json"), DECODED, "checkpoint", "source", "settings") for part in parts
    ]
    found, digest = records[0], sha256(source)
    for part, record in zip(parts, records):
        if record["source"] != digest or any(record[key] != found[key] for key in ("checkpoint", "settings")):
            raise InputError(
                "translates another text, or is another teacher's", where=part, fix="remove it and run again"
            )
    return found["checkpoint"], found["settings"]


def _lines(parts: Iterable[Path]) -> Iterator[str]:
    return itertools.chain.from_iterable(map(iter_lines, parts))


def _counts(distilled: Path, raw: Path) -> dict[str, int]:
    """Training pairs, and those whose target is the raw one, or empty."""
    counts = {"pairs": 0, "unchanged": 0, "empty": 0}
    for made, given in itertools.zip_longest(iter_lines(distilled), iter_lines(raw)):
        if made is None or given is None:
            raise InputError("has not as many lines as the raw targets", where=distilled, fix="translate them again")
        counts["pairs"] += 1
        counts["unchanged"] += made == given
        counts["empty"] += not made.strip()
    return counts
