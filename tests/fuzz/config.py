"""Readers of what users write about a run: manifest, tier, systems; and of the pins of downloads."""

from functools import cache
from pathlib import Path

import yaml
from fuzz.engine import Reader

from janus.claims.statements import load_statements
from janus.config.consistency import check_sense
from janus.config.distilled import with_distilled
from janus.config.system_entries import load_systems, with_entries
from janus.config.tiers import check, read_yaml, runs, settings
from janus.data import PUBLISHED, SCHEMAS
from janus.fetching.manifest import load_manifest
from janus.fetching.pins import _pins
from janus.report.published import load_published

ROOT = Path(__file__).resolve().parents[2]
_MANIFEST = b"""\
corpora:
  own.de-en:
    {source: de, target: en, recipe: plain, licence: mine, lowercase: true, merges: 50,
     options: {files: "{split}.{language}"}}
  made.src-tgt:
    source: src
    target: tgt
    recipe: demo_summary
    licence: generated
    lowercase: true
    vocabulary: shared
    task: summary
    published: XSum
    lines: {train: 400, valid: 30}
    blobs: {tok/train.src: 0123456789}
    options: {train: 400}
    notes: none
texts:
  running:
    recipe: documents
    licence: CC
    lowercase: false
    vocabulary: shared
    block: 128
    downloads:
      - name: "part-{number:02d}.jsonl"
        path: "p/{number}.jsonl"
        numbers: [1, 3]
        addresses: ["https://nowhere.invalid/{number}"]
        trust: first-use
        bytes: 1000
vocabularies:
  shared: {kind: subword, licence: none, text: running, merges: 100}
"""


def _systems() -> bytes:
    entries = read_yaml(ROOT / "config/systems.yaml")
    chosen = {name: entries[name] for name in ("transformer", "cmlm", "janus-paper", "glat")}
    return yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True).encode()


def _read_manifest(path: Path) -> None:
    """Both properties are computed when they are asked for."""
    manifest = load_manifest(path)
    dict(manifest.downloads)
    for corpus in manifest.corpora.values():
        list(corpus.own_files)


@cache
def _known() -> tuple:
    manifest = load_manifest(ROOT / "config/corpora.yaml")
    systems = load_systems(ROOT / "config/systems.yaml", SCHEMAS)
    return manifest, systems, load_published(PUBLISHED), load_statements(PUBLISHED / "claims.csv")


def _read_tier(path: Path) -> None:
    manifest, systems, published, statements = _known()
    tier = check(read_yaml(path), SCHEMAS / "tier.schema.yaml", where=path)
    corpora = with_distilled(manifest.corpora, tier)
    tier = with_entries(tier, systems)
    known = {"texts": manifest.texts, "models": manifest.models, "published": published, "statements": statements}
    check_sense(tier, systems, corpora, **known, where=path)
    for corpus, system in runs(tier, systems):
        settings(tier, corpus=corpus, system=system)


def _config(name: str) -> bytes:
    return (ROOT / "config" / name).read_bytes()


def _read_pins(path: Path) -> None:
    for name, digest in _pins(path.parent).items():
        assert isinstance(name, str) and isinstance(digest, str)


READERS = (
    Reader("manifest", "corpora.yaml", "yaml", lambda: [_MANIFEST], _read_manifest, 0.3),
    Reader("tier", "tier.yaml", "yaml", lambda: [_config("multi30k-cpu.yaml")], _read_tier, 0.2),
    Reader("systems", "systems.yaml", "yaml", lambda: [_systems()], lambda path: load_systems(path, SCHEMAS), 0.2),
    Reader("pins", "pins.json", "json", lambda: [b'{"a.tar": "f00", "b.gz": "ba4"}'], _read_pins, 0.6),
)
