"""The corpora that exist: `config/corpora.yaml` read, checked, and handed on as dataclasses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from janus.errors import InputError

_SCHEMA = Path(__file__).resolve().parents[2] / "workflow" / "schemas" / "corpora.schema.yaml"
RECIPES = (
    "grammar",
    "iwslt14",
    "multi30k",
    "wmt14",
    "wmt16",
    "glge",
    "summaries",
    "questions",
    "dialogue",
    "demo_summary",
    "demo_question",
    "demo_reply",
)
# By recipe, or by the task of GLGE.
_TASKS = {
    "summaries": "summary",
    "demo_summary": "summary",
    "xsum": "summary",
    "questions": "question",
    "demo_question": "question",
    "squadqg": "question",
    "dialogue": "reply",
    "demo_reply": "reply",
    "personachat": "reply",
}
TEXT_RECIPES = ("documents", "sides", "demo_text")


@dataclass(frozen=True)
class Download:
    """A file that a corpus is made from.

    `name` is its name in the download folder, unique over all corpora; `path` its place under a mirror; `addresses`
    are tried in order; none means that only a mirror has it. `sha256` None means trust on first use: the first digest
    seen is pinned beside the file. `accept` names the terms, to be read at `page`, that the user accepts before it is
    fetched (see `terms.py`).
    """

    name: str
    path: str
    addresses: tuple[str, ...]
    sha256: str | None = None
    bytes: int | None = None
    accept: str | None = None
    page: str | None = None


@dataclass(frozen=True)
class Corpus:
    """A data set with a direction.

    `lines` are the expected counts of prepared pairs by split (train, valid, test; a split left out is not checked),
    `blobs` git blob hashes, or prefixes of them, of prepared files by path below the corpus folder. `lowercase` says
    whether the recipe lower-cases, `options` are the recipe's own. A corpus either learns its own joint BPE, of
    `merges` operations by default, or uses a `vocabulary` of that name.
    """

    name: str
    source: str
    target: str
    recipe: str
    licence: str
    lowercase: bool
    merges: int = 0
    vocabulary: str = ""
    downloads: tuple[Download, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    blobs: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""

    @property
    def task(self) -> str:
        """What is generated: `translation`, `summary`, `question` or `reply`."""
        return _TASKS.get(self.options.get("task", self.recipe), "translation")

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


@dataclass(frozen=True)
class Text:
    """Running text to pre-train on, in `shards` files of blocks of at most `block` tokens (without bos and eos).

    `corpora` are the data sets whose training sides it is made of, where it has no downloads. Every `valid_every`-th
    document is held out for validation.
    """

    name: str
    recipe: str
    licence: str
    lowercase: bool
    vocabulary: str
    block: int
    shards: int = 1
    valid_every: int = 100
    downloads: tuple[Download, ...] = ()
    corpora: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """A BPE and the dictionary of its tokens, shared by a pre-training text and the tasks after it.

    Kind `gpt2` is read from `downloads`; kind `subword` is learnt, `merges` operations, on `text` and the training
    sides of the corpora that use it.
    """

    name: str
    kind: str
    licence: str
    downloads: tuple[Download, ...] = ()
    text: str = ""
    merges: int = 0


@dataclass(frozen=True)
class Model:
    """A published model to start from: `format` fairseq (an archive with `member`) or huggingface (two files)."""

    name: str
    format: str
    licence: str
    downloads: tuple[Download, ...]
    member: str = ""
    notes: str = ""


def load_corpora(path: Path, *, schema: Path = _SCHEMA) -> dict[str, Corpus]:
    """All corpora of a manifest, by name, in its order.

    Raises InputError, naming the file and the place in it, for YAML that does not parse, an unknown or missing key,
    a wrong type, or a download name that stands for two different files.
    """
    content = _load(path, schema)
    return {name: _entry(Corpus, name, entry) for name, entry in content["corpora"].items()}


def load_texts(path: Path, *, schema: Path = _SCHEMA) -> dict[str, Text]:
    """All pre-training texts of a manifest, by name. Raises InputError as `load_corpora` does."""
    return {name: _entry(Text, name, entry) for name, entry in _load(path, schema).get("texts", {}).items()}


def load_vocabularies(path: Path, *, schema: Path = _SCHEMA) -> dict[str, Vocabulary]:
    """All shared vocabularies of a manifest, by name. Raises InputError as `load_corpora` does."""
    content = _load(path, schema)
    return {name: _entry(Vocabulary, name, entry) for name, entry in content.get("vocabularies", {}).items()}


def load_models(path: Path, *, schema: Path = _SCHEMA) -> dict[str, Model]:
    """All published models of a manifest, by name. Raises InputError as `load_corpora` does."""
    return {name: _entry(Model, name, entry) for name, entry in _load(path, schema).get("models", {}).items()}


def _load(path: Path, schema: Path) -> Mapping[str, Any]:
    path = Path(path)
    content = _read_yaml(path)
    _check(content, _read_yaml(schema), path)
    _check_download_names(content, path)
    _check_references(content, path)
    return content


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


def _entry(kind: type, name: str, entry: Mapping[str, Any]) -> Any:
    plain = {key: value for key, value in entry.items() if key not in ("downloads", "corpora")}
    if "corpora" in entry:
        plain["corpora"] = tuple(entry["corpora"])
    return kind(name=name, downloads=tuple(_downloads(entry)), **plain)


def _downloads(entry: Mapping[str, Any]) -> Iterator[Download]:
    """The downloads of an entry; one with `numbers` stands for a run of files, `{number}` being the place."""
    for item in entry.get("downloads", ()):
        if "numbers" not in item:
            yield _download(item)
            continue
        first, last = item["numbers"]
        for number in range(first, last + 1):
            texts = {key: item[key].format(number=number) for key in ("name", "path")}
            yield _download(item | texts | {"addresses": [text.format(number=number) for text in item["addresses"]]})


def _download(item: Mapping[str, Any]) -> Download:
    known = {key: item.get(key) for key in ("sha256", "bytes", "accept", "page")}
    return Download(name=item["name"], path=item["path"], addresses=tuple(item["addresses"]), **known)


def _check_download_names(content: Mapping[str, Any], path: Path) -> None:
    seen: dict[str, Download] = {}
    for section in ("corpora", "texts", "vocabularies", "models"):
        for name, entry in content.get(section, {}).items():
            for download in _downloads(entry):
                if seen.setdefault(download.name, download) != download:
                    raise InputError(
                        f"download name {download.name!r} stands for two different files",
                        where=f"{path}, {name}",
                        mend="give one of them another name",
                    )


def _check_references(content: Mapping[str, Any], path: Path) -> None:
    """Every vocabulary, text and corpus that an entry names is in the manifest."""
    sections = {"vocabulary": "vocabularies", "text": "texts", "corpora": "corpora"}
    for section in ("corpora", "texts", "vocabularies"):
        for name, entry in content.get(section, {}).items():
            for key, target in sections.items():
                found = entry.get(key, ())
                for reference in (found,) if isinstance(found, str) else found:
                    if reference not in content.get(target, {}):
                        raise InputError(
                            f"{key} {reference!r} is not among the {target}",
                            where=f"{path}, {name}",
                            mend=f"add it under `{target}`, or name one that is there",
                        )
