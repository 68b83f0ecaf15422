"""The available corpora: `config/corpora.yaml`, checked and converted to dataclasses."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from janus.config.yaml_file import complaints, read_schema, read_yaml, refusals, typed
from janus.data import SCHEMAS
from janus.errors import InputError, require_none
from janus.fetching.own_files import SPLITS, held_out, ignored_limits, unnamed_files
from janus.recipes.by_recipe import RECIPES

_SCHEMA = SCHEMAS / "corpora.schema.yaml"
_NUMBER = re.compile(r"{number(?::0([1-9])d)?}")
TEXT_RECIPES = ("documents", "sides", "demo_text")
_SECTIONS = ("corpora", "texts", "vocabularies", "models")


@dataclass(frozen=True)
class Download:
    """A file that a corpus is made from.

    `name` is its name in the download folder, unique over all corpora; `path` its place under a mirror; `addresses`
    are tried in order; none means that only a mirror has it. `sha256` None means trust on first use: the first digest
    is pinned next to the file. `accept` names the terms, published at `page`, that the user must accept before it is
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

    `lines` are the expected counts of prepared pairs by split (train, valid, test; missing splits are not checked),
    `sizes` the mean tokens of source and target and the entries of the dictionary, with which `janus plan` reckons,
    `blobs` git blob hashes, or prefixes of them, of prepared files by path below the corpus folder. `lowercase` says
    whether the recipe lower-cases, `options` belong to the recipe. A corpus either learns its own joint BPE, with
    `merges` operations by default, uses the `vocabulary` of that name, or is given binarised in the folder `bin`.
    `task` is `translation`, `summary`, `question` or `reply`; it decides how outputs are scored. `published` is the
    corresponding text in the paper's tables, empty if there is none. `tests` are further test sets by name, with
    `files` like those of the recipe plain. `home` is the folder of the manifest, from which own files are found.
    """

    name: str
    source: str
    target: str
    recipe: str
    licence: str
    lowercase: bool
    merges: int = 0
    vocabulary: str = ""
    bin: str = ""
    task: str = "translation"
    published: str = ""
    downloads: tuple[Download, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)
    blobs: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    tests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: str = ""
    home: Path = Path()

    @property
    def sides(self) -> tuple[str, str]:
        """The languages of source and target."""
        return self.source, self.target

    @property
    def own_files(self) -> list[Path]:
        """The user's own files that it is made from: text, of each split source and target, and binarised data."""
        pattern = self.options.get("files", "")
        splits = SPLITS if "{split}" in pattern else SPLITS[:1]
        names = [
            pattern.replace("{split}", split).replace("{language}", side) for split in splits for side in self.sides
        ]
        names = names if pattern else []
        if self.bin:
            pair = f"{self.source}-{self.target}"
            names += [f"{self.bin}/dict.{side}.txt" for side in self.sides]
            names += [
                f"{self.bin}/{split}.{pair}.{side}.{kind}"
                for split in SPLITS
                for side in self.sides
                for kind in ("bin", "idx")
            ]
            names += [self.options["codes"]] if "codes" in self.options else []
        return [self.home / name for name in names]

    def download(self, name: str) -> Download:
        """The download called `name`. Raises InputError if the manifest has none of that name."""
        for download in self.downloads:
            if download.name == name:
                return download
        raise InputError(
            f"recipe {self.recipe!r} needs a download named {name!r}",
            where=f"corpus {self.name}",
            fix="add it to the entry in config/corpora.yaml",
        )


@dataclass(frozen=True)
class Text:
    """Running text to pre-train on, in `shards` files of blocks of at most `block` tokens (without bos and eos).

    `corpora` are the data sets whose training sides it consists of if it has no downloads. Every `valid_every`-th
    document is held out for validation. `sizes` has the number of blocks, where it is known before they are made.
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
    sizes: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""

    @property
    def parts(self) -> list[str]:
        """The names of the parts that it is prepared in: one per download, or a single one named after the recipe."""
        return [download.name for download in self.downloads] or [self.recipe]


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


@dataclass(frozen=True)
class Manifest:
    """All entries of a manifest, by name, in its order; `content` is the checked YAML."""

    content: Mapping[str, Any]
    corpora: Mapping[str, Corpus]
    texts: Mapping[str, Text]
    vocabularies: Mapping[str, Vocabulary]
    models: Mapping[str, Model]

    @property
    def downloads(self) -> dict[str, Download]:
        """The downloads of all entries, by name."""
        sections: tuple[Mapping[str, Any], ...] = self.corpora, self.texts, self.vocabularies, self.models
        return {item.name: item for section in sections for entry in section.values() for item in entry.downloads}


def load_manifest(path: Path, *, schema: Path = _SCHEMA) -> Manifest:
    """The manifest in a file.

    Raises InputError, naming the file and the place in it, for YAML that does not parse, an unknown or missing key,
    a wrong type, or a download name that stands for two different files.
    """
    content = _load(path, schema)
    home = Path(path).parent
    return Manifest(
        content,
        {name: _entry(Corpus, name, entry | {"home": home}) for name, entry in content["corpora"].items()},
        *(
            {name: _entry(kind, name, entry) for name, entry in content.get(section, {}).items()}
            for section, kind in (("texts", Text), ("vocabularies", Vocabulary), ("models", Model))
        ),
    )


def _load(path: Path, schema: Path) -> Mapping[str, Any]:
    path = Path(path)
    rules = read_schema(schema)
    # The files of janus/recipes are the list; a new one is not written down a second time.
    rules["$defs"]["corpus"]["properties"]["recipe"]["enum"] = list(RECIPES)
    content = typed(read_yaml(path), rules)
    require_none(_refusals(content, rules, path))
    require_none(itertools.chain.from_iterable(find(content, path) for find in _PROBLEMS))
    return content


def _refusals(content: Any, schema: Any, path: Path) -> Iterator[InputError]:
    for error in refusals(content, schema):
        place = ".".join(str(step) for step in error.absolute_path) or "top level"
        for said in complaints(error):
            yield InputError(said, where=f"{path}, {place}", fix=_fix(error))


def _fix(error: jsonschema.ValidationError) -> str:
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
    """The downloads of an entry; one with `numbers` stands for several files, numbered at `{number}`."""
    for item in entry.get("downloads", ()):
        if "numbers" not in item:
            yield _download(item)
            continue
        first, last = item["numbers"]
        for number in range(first, last + 1):
            yield _download(numbered(item, number))


def numbered(item: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The entry of a download with a number in place of `{number}`, or `{number:05d}`, in its name and places."""

    def fill(text: str) -> str:
        # Not str.format, which would follow attributes and take any width.
        return _NUMBER.sub(lambda found: f"{number:0{found[1] or 1}d}", text)

    texts = {key: fill(item[key]) for key in ("name", "path")}
    return {**item, **texts, "addresses": [fill(address) for address in item["addresses"]]}


def _download(item: Mapping[str, Any]) -> Download:
    known = {key: item.get(key) for key in ("sha256", "bytes", "accept", "page")}
    return Download(name=item["name"], path=item["path"], addresses=tuple(item["addresses"]), **known)


def _ambiguous_downloads(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    seen: dict[str, Download] = {}
    for section in _SECTIONS:
        for name, entry in content.get(section, {}).items():
            for download in _downloads(entry):
                if seen.setdefault(download.name, download) != download:
                    yield InputError(
                        f"download name {download.name!r} stands for two different files",
                        where=f"{path}, {name}",
                        fix="give one of them another name",
                    )


def _sides_of_one_name(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    """Corpora whose two sides would be the same file."""
    for name, entry in content["corpora"].items():
        if entry["source"] == entry["target"]:
            yield InputError(
                f"source and target are both {entry['source']!r}, and each names a file",
                where=f"{path}, corpora.{name}",
                fix="call them src and tgt where both are of one language",
            )


def _own_merges(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    """Corpora to generate on that learn a BPE of their own: only those with the vocabulary of a text are supported."""
    for name, entry in content["corpora"].items():
        if (task := entry.get("task", "translation")) != "translation" and "merges" in entry:
            yield InputError(
                f"a corpus of the task {task} cannot have merges of its own",
                where=f"{path}, corpora.{name}",
                fix="name a `vocabulary`, and describe it under `vocabularies`",
            )


def _binarised(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    """`bin` without the recipe that reads it, or the other way round; and test sets that nothing cuts in subwords."""
    for name, entry in content["corpora"].items():
        place = f"{path}, corpora.{name}"
        if (entry["recipe"] == "binarised") != ("bin" in entry):
            yield InputError("`recipe: binarised` and `bin` belong together", where=place, fix="write both, or neither")
        elif "bin" in entry and entry.get("tests") and "codes" not in entry.get("options", {}):
            yield InputError(
                "further test sets need the BPE codes of the binarised data",
                where=place,
                fix="name them: options.codes",
            )


def _unknown_references(content: Mapping[str, Any], path: Path) -> Iterator[InputError]:
    """References to vocabularies, texts and corpora that are not in the manifest."""
    sections = {"vocabulary": "vocabularies", "text": "texts", "corpora": "corpora"}
    for section in ("corpora", "texts", "vocabularies"):
        for name, entry in content.get(section, {}).items():
            for key, target in sections.items():
                found = entry.get(key, ())
                for reference in (found,) if isinstance(found, str) else found:
                    if reference not in content.get(target, {}):
                        yield InputError(
                            f"{key} {reference!r} is not among the {target}",
                            where=f"{path}, {name}",
                            fix=f"add it under `{target}`, or name one that is there",
                        )


_PROBLEMS = (
    _ambiguous_downloads,
    _unknown_references,
    _sides_of_one_name,
    unnamed_files,
    held_out,
    ignored_limits,
    _own_merges,
    _binarised,
)
