"""The corpora that exist: `config/corpora.yaml` read, checked, and handed on as dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from janus.errors import InputError

_SCHEMA = Path(__file__).resolve().parents[2] / "workflow" / "schemas" / "corpora.schema.yaml"
RECIPES = ("grammar", "iwslt14", "multi30k", "wmt14", "wmt16")


@dataclass(frozen=True)
class Download:
    """A file that a corpus is made from.

    `name` is its name in the download folder, unique over all corpora; `path` its place under a mirror; `addresses`
    are tried in order. `sha256` None means trust on first use: the first digest seen is pinned beside the file.
    """

    name: str
    path: str
    addresses: tuple[str, ...]
    sha256: str | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Corpus:
    """A data set with a direction.

    `lines` are the expected counts of prepared pairs by split (train, valid, test; a split left out is not checked),
    `blobs` git blob hashes, or prefixes of them, of prepared files by path below the corpus folder. `lowercase` says
    whether the recipe lower-cases, `merges` is the default number of joint BPE operations, `options` are the
    recipe's own.
    """

    name: str
    source: str
    target: str
    recipe: str
    licence: str
    lowercase: bool
    merges: int
    downloads: tuple[Download, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    blobs: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""

    def download(self, name: str) -> Download:
        """The download called `name`. Raises InputError where the manifest has none of that name."""
        for download in self.downloads:
            if download.name == name:
                return download
        raise InputError(
            f"recipe {self.recipe!r} needs a download named {name!r}",
            where=f"corpus {self.name}",
            mend="add it to the entry in config/corpora.yaml",
        )


def load_corpora(path: Path, *, schema: Path = _SCHEMA) -> dict[str, Corpus]:
    """All corpora of a manifest, by name, in its order.

    Raises InputError, naming the file and the place in it, for YAML that does not parse, an unknown or missing key,
    a wrong type, or a download name that stands for two different files.
    """
    path = Path(path)
    content = _read_yaml(path)
    _check(content, _read_yaml(schema), path)
    corpora = {name: _corpus(name, entry) for name, entry in content["corpora"].items()}
    _check_download_names(corpora, path)
    return corpora


def find_corpus(corpora: Mapping[str, Corpus], name: str, *, where: object) -> Corpus:
    """The corpus called `name`, or an InputError that lists those there are."""
    if name not in corpora:
        raise InputError(f"unknown corpus {name!r}", where=where, mend=f"choose one of {', '.join(corpora)}")
    return corpora[name]


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, mend="restore it or fix the path") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        problem = getattr(error, "problem", error)
        raise InputError(f"not YAML ({problem})", where=where, mend="correct the line") from error


def _check(content: Any, schema: Any, path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    error = jsonschema.exceptions.best_match(validator.iter_errors(content))
    if error is None:
        return
    place = ".".join(str(step) for step in error.absolute_path) or "top level"
    raise InputError(error.message, where=f"{path}, {place}", mend=_mend(error))


def _mend(error: jsonschema.ValidationError) -> str:
    if error.validator == "additionalProperties":
        return f"use only {', '.join(error.schema.get('properties', {}))}"
    if error.validator == "required":
        return "add the key"
    description = error.schema.get("description")
    return f"this key is: {description}" if description else "compare with the entries of config/corpora.yaml"


def _corpus(name: str, entry: Mapping[str, Any]) -> Corpus:
    plain = {key: value for key, value in entry.items() if key != "downloads"}
    return Corpus(name=name, downloads=tuple(_download(item) for item in entry.get("downloads", ())), **plain)


def _download(item: Mapping[str, Any]) -> Download:
    return Download(
        name=item["name"],
        path=item["path"],
        addresses=tuple(item["addresses"]),
        sha256=item.get("sha256"),
        bytes=item.get("bytes"),
    )


def _check_download_names(corpora: Mapping[str, Corpus], path: Path) -> None:
    seen: dict[str, Download] = {}
    for corpus in corpora.values():
        for download in corpus.downloads:
            if seen.setdefault(download.name, download) != download:
                raise InputError(
                    f"download name {download.name!r} stands for two different files",
                    where=f"{path}, {corpus.name}",
                    mend="give one of them another name",
                )
