"""The manifest of a rehearsal from the real one, and its made downloads on a mirror."""

import copy
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from janus.config.tiers import settings
from janus.fetching.manifest import SPLITS, Manifest, numbered
from janus.rehearsal.mirror import HELD_OUT, TRAIN, Made, make_corpus, make_text
from janus.rehearsal.pretrained import make_model, make_vocabulary
from janus.rehearsal.text import LANGUAGES, sentence_pairs

BLOCK = 30
_SHARDS = 2
_MERGES = 60
_GENERATED = {"train": TRAIN, "valid": HELD_OUT, "test": HELD_OUT}
_DOCUMENTS = 60


def narrow_manifest(
    tier: Mapping[str, Any], manifest: Manifest, mirror: Path, *, parquet: bool
) -> tuple[dict[str, Any], list[str]]:
    """Write the made downloads of a narrow `tier` below `mirror`; returns the manifest that describes them, and notes.

    It holds what the tier uses. Checksums, sizes and line counts are those of the made files; hashes of prepared files
    are left out. The notes say what else differs from the real manifest. `parquet` says whether that can be read here.
    """
    used, notes = _used(tier, manifest), []
    content = {
        section: {name: copy.deepcopy(entry) for name, entry in manifest.content[section].items() if name in names}
        for section, names in used.items()
        if names
    }
    for section, entries in content.items():
        for entry in entries.values():
            _NARROW[section](entry)
    if not parquet and _without_parquet(content.get("texts", {})):
        notes.append(
            "pyarrow is not installed, and without it the real tier cannot be planned, as it reads Wikipedia "
            "(pip install 'pyarrow>=18'): its files are made as .jsonl here"
        )
    for section, entries in content.items():
        for name, entry in entries.items():
            _publish(entry, _made(section, name, entry, tier, manifest), mirror)
            if section == "corpora" and manifest.corpora[name].own_files:
                _write_own(entry, name, mirror)
            if section == "corpora":
                _write_tests(entry, name, mirror)
    return content, notes


def _used(tier: Mapping[str, Any], manifest: Manifest) -> dict[str, set[str]]:
    pretraining = tier["pretraining"] or {}
    texts = {pretraining["text"]} if pretraining else set()
    corpora = {*tier["corpora"], *(corpus for text in texts for corpus in manifest.texts[text].corpora)}
    sharing = [*(manifest.corpora[name] for name in corpora), *(manifest.texts[name] for name in texts)]
    vocabularies = {entry.vocabulary for entry in sharing} - {""}
    texts |= {manifest.vocabularies[name].text for name in vocabularies} - {""}
    models = {pretraining.get("base")} & manifest.models.keys()
    return {"corpora": corpora, "texts": texts, "vocabularies": vocabularies, "models": models}


def _narrow_corpus(entry: dict[str, Any]) -> None:
    entry.pop("blobs", None)
    if entry.pop("bin", None):
        # Text in its place: binarised data of the user's cannot be imitated.
        entry |= {"recipe": "plain", "merges": _MERGES, "options": {}}
    _narrow_merges(entry)
    if not entry.get("downloads"):
        # Generated: its options say how much.
        entry["options"] = entry.get("options", {}) | _GENERATED
        entry["lines"] = dict(_GENERATED)


def _narrow_text(entry: dict[str, Any]) -> None:
    entry["block"] = min(entry["block"], BLOCK)
    entry["valid_every"] = 6
    if "shards" in entry:
        entry["shards"] = min(entry["shards"], _SHARDS)
    if "documents" in entry.get("options", {}):
        entry["options"]["documents"] = _DOCUMENTS
    for item in entry.get("downloads", ()):
        # Of a run of files, the first.
        if numbers := item.pop("numbers", None):
            item.update(numbered(item, numbers[0]))


def _narrow_merges(entry: dict[str, Any]) -> None:
    if "merges" in entry:
        entry["merges"] = min(entry["merges"], _MERGES)


_NARROW = {
    "corpora": _narrow_corpus,
    "texts": _narrow_text,
    "vocabularies": _narrow_merges,
    "models": lambda entry: None,
}


def _without_parquet(texts: Mapping[str, Any]) -> bool:
    """Rename downloads that only pyarrow reads; whether there are any."""
    items = [
        item for entry in texts.values() for item in entry.get("downloads", ()) if item["name"].endswith(".parquet")
    ]
    for item in items:
        item["name"] = item["name"].removesuffix(".parquet") + ".jsonl"
    return bool(items)


def _made(section: str, name: str, entry: Mapping[str, Any], tier: Mapping[str, Any], manifest: Manifest) -> Made:
    match section:
        case "corpora":
            return make_corpus(manifest.corpora[name])
        case "texts":
            return make_text(item["name"] for item in entry.get("downloads", ()))
        case "vocabularies":
            return make_vocabulary(manifest.vocabularies[name])
    # What starts from a model has its size; every pre-training does.
    return make_model(manifest.models[name], settings(tier, corpus=tier["pretraining"]["text"], system="")["model"])


def _write_own(entry: dict[str, Any], name: str, mirror: Path) -> None:
    """Write made files in place of a user's own, and their path into the entry."""
    folder = mirror.resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    # Of files of each split none is held out.
    kept = {key: value for key, value in entry["options"].items() if key not in SPLITS}
    entry["options"] = kept | {"files": f"{folder}/{{split}}.{{language}}"}
    entry.pop("lines", None)
    for split in SPLITS:
        _write_pairs(folder, split, entry, TRAIN if split == "train" else HELD_OUT, seed=f"{name}/{split}")


def _write_tests(entry: dict[str, Any], name: str, mirror: Path) -> None:
    """Write made files in place of further test sets, and their paths into the entry."""
    folder = mirror.resolve() / name / "tests"
    for test, its in entry.get("tests", {}).items():
        folder.mkdir(parents=True, exist_ok=True)
        its |= {"files": f"{folder}/{test}.{{language}}", "tokenised": True}
        _write_pairs(folder, test, entry, HELD_OUT, seed=f"{name}@{test}")


def _write_pairs(folder: Path, stem: str, entry: Mapping[str, Any], count: int, *, seed: str) -> None:
    pairs = sentence_pairs(*LANGUAGES[:2], count, seed=seed)
    for side, language in enumerate((entry["source"], entry["target"])):
        (folder / f"{stem}.{language}").write_text("".join(f"{pair[side]}\n" for pair in pairs), encoding="utf-8")


def _publish(entry: dict[str, Any], made: Made, mirror: Path) -> None:
    """Put the made files on the mirror, and what is true of them into the entry."""
    for item in entry.get("downloads", ()):
        content, path = made.files[item["name"]], mirror / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if "sha256" in item:
            item["sha256"] = hashlib.sha256(content).hexdigest()
        if "bytes" in item:
            item["bytes"] = len(content)
    if "lines" in entry and made.lines:
        entry["lines"] = {split: made.lines[split] for split in entry["lines"]}
