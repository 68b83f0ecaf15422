"""What can be wrong with the files that a corpus of one's own names, as far as the manifest alone shows it.

Functions take the content of a manifest and its path, and yield what they find.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from janus.errors import InputError

SPLITS = ("train", "valid", "test")


def unnamed_files(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    """Files of one's own that are not named for both sides, or for splits where there are none."""
    for name, entry in content["corpora"].items():
        place = f"{path}, corpora.{name}"
        for test, its in entry.get("tests", {}).items():
            yield from _unnamed(its["files"], f"{place}.tests.{test}")
        files = entry.get("options", {}).get("files", "")
        if entry["recipe"] == "binarised" and files:
            yield from _unnamed(files, f"{place}.options")
        if entry["recipe"] == "plain" and "{language}" not in files:
            yield InputError(
                f"files: {files!r} does not contain {{language}}" if files else "the recipe plain needs `files`",
                where=f"{place}.options",
                fix="write a path such as data/{split}.{language}",
            )


def _unnamed(files: str, place: str) -> Iterator[InputError]:
    """What is wrong with the path of a single test set."""
    fix = "write a path such as data/newstest2016.{language}"
    if "{language}" not in files:
        yield InputError(f"files: {files!r} does not contain {{language}}", where=place, fix=fix)
    if "{split}" in files:
        yield InputError(f"files: {files!r} contains {{split}}, but a test set has none", where=place, fix=fix)


def held_out(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    """Corpora of one's own that do not say what is held out, or say it twice."""
    for name, entry in content["corpora"].items():
        options = entry.get("options", {})
        files, place = options.get("files", ""), f"{path}, corpora.{name}.options"
        given = [split for split in SPLITS[1:] if split in options]
        if entry["recipe"] != "plain" or not files:
            continue
        if "{split}" in files and given:
            yield InputError(
                f"`{given[0]}` is of a single pair of files, and each split has its own: {files!r}",
                where=place,
                fix=f"remove {' and '.join(f'`{split}`' for split in given)}, or {{split}} from `files`",
            )
        if "{split}" not in files and len(given) < 2:
            yield InputError(
                "a single pair of files needs `valid` and `test`",
                where=place,
                fix="say how many sentences are held out, or give each split its files: {split}.{language}",
            )


def ignored_limits(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    """Limits that only the encoding with a shared vocabulary applies, of corpora with a BPE of their own."""
    for name, entry in content["corpora"].items():
        for limit in ("longest_source", "longest_target"):
            if "merges" in entry and limit in entry.get("options", {}):
                yield InputError(
                    f"`{limit}` is not applied with `merges`",
                    where=f"{path}, corpora.{name}.options",
                    fix="remove it, or name a `vocabulary`; `longest` removes long training pairs",
                )
