"""The config of a run: what the user's files and words say together, with defaults, checked before anything starts.

The workflow, a rehearsal, `janus plan` and `janus doctor` read a config in this way alone.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from janus.claims.statements import Statement, load_statements
from janus.config.consistency import check_sense
from janus.config.distilled import with_distilled
from janus.config.system_entries import load_systems, with_entries
from janus.config.tiers import check, read_yaml
from janus.data import PUBLISHED, SCHEMAS
from janus.errors import InputError, together
from janus.fetching.manifest import Download, Manifest, load_manifest
from janus.files import named_folder
from janus.report.published import load_published

# The folder of the project: the parent of the package.
ROOT = Path(__file__).resolve().parents[2]
_FILES = ("systems_file", "corpora_file", "claims_file", "mirror")


@dataclass(frozen=True)
class RunConfig:
    """A checked tier with its defaults, and the systems, the manifest and the claims that it names.

    The manifest has the corpora that the tier distils, and further test sets, beside those of its file.
    """

    tier: Mapping[str, Any]
    systems: Mapping[str, Any]
    manifest: Manifest
    statements: Sequence[Statement]

    def entries(self) -> list[Any]:
        """The corpora of the tier; then the text, the vocabulary and the published model of its pre-training."""
        return [*(self.manifest.corpora[name] for name in self.tier["corpora"]), *self.pretraining_entries()]

    def pretraining_entries(self) -> list[Any]:
        """The text, the vocabulary and the published model of the tier's pre-training, as far as it names them."""
        if not self.tier["pretraining"]:
            return []
        text, base = self.manifest.texts[self.tier["pretraining"]["text"]], self.tier["pretraining"]["base"]
        models = self.manifest.models
        return [text, self.manifest.vocabularies[text.vocabulary], *([models[base]] if base in models else [])]

    def downloads(self) -> list[Download]:
        """Every download of the tier, each once."""
        return list({item.name: item for entry in self.entries() for item in entry.downloads}.values())


def read_config(files: Sequence[Path], words: Sequence[str] = ()) -> dict[str, Any]:
    """The config that Snakemake would have from `--configfile files --config words`, without defaults.

    Later files are laid over earlier ones and the words over all; below stands config/demo.yaml unless one of them
    names a tier. Raises InputError for a file that contains no settings or a word that is not KEY=VALUE.
    """
    from snakemake.cli import parse_config
    from snakemake.utils import update_config

    given: dict[str, Any] = {}
    for path in files:
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise InputError("contains no settings", where=path, fix="give a tier file")
        update_config(given, content)
    try:
        update_config(given, parse_config(words))
    except ValueError as error:
        raise InputError(f"{' '.join(words)} cannot be read", where="--config", fix="write KEY=VALUE") from error
    if "tier" in given:
        return given
    config = read_yaml(ROOT / "config" / "demo.yaml")
    update_config(config, given)
    return config


def found_in(root: Path) -> Callable[[str], str]:
    """How a path that a config names is found: in the working directory, or below `root` where only that has it."""

    def find(path: str) -> str:
        path = os.path.expanduser(path)
        below = root / path
        return str(below) if not os.path.exists(path) and below.exists() else path

    return find


def check_config(config: Mapping[str, Any], *, where: object, find: Callable[[str], str] | None = None) -> RunConfig:
    """The config with defaults and what it names, checked for sense.

    where: what messages call it. find: where a file lies that it names; by default below the working directory or the
    project. Raises InputError, InputErrors for several problems.
    """
    find = find or found_in(ROOT)
    schema = SCHEMAS / "tier.schema.yaml"
    files = {key: _found(config.get(key, rule["default"]), find) for key, rule in _rules_of_files(schema).items()}
    own = config.get("systems")
    tier, systems, manifest, statements = together(
        lambda: check(dict(config), schema, where=where),
        lambda: load_systems(
            str(files["systems_file"]), SCHEMAS, own=own if isinstance(own, Mapping) else None, where=where
        ),
        lambda: load_manifest(Path(str(files["corpora_file"]))),
        lambda: load_statements(Path(str(files["claims_file"]))),
    )
    tier = with_entries(tier | files, systems)
    manifest = replace(manifest, corpora=with_distilled(manifest.corpora, tier))
    known = {"texts": manifest.texts, "models": manifest.models}
    papers = {"published": load_published(PUBLISHED), "statements": statements}
    check_sense(tier, systems, manifest.corpora, **known, **papers, where=where)
    return RunConfig(tier, systems, manifest, statements)


def _rules_of_files(schema: Path) -> dict[str, Any]:
    rules = read_yaml(schema)["properties"]
    return {key: rules[key] for key in _FILES}


def _found(path: Any, find: Callable[[str], str]) -> Any:
    """The path of a file that a config names, as `find` finds it; addresses and values of other types are unchanged."""
    return find(path) if isinstance(path, str) and path and "://" not in path else path


def load_config(files: Sequence[Path], words: Sequence[str] = ()) -> RunConfig:
    """The checked config of the user's files and words, or of the demo where there are none."""
    return check_config(read_config(files, words), where=", ".join(map(str, files)) or "config/demo.yaml")


def config_of_run(run: Path, configfile: Path | None = None) -> RunConfig:
    """The checked config of results/<tier>, a folder; its file is config/<tier>.yaml unless given.

    Raises InputError where the file is missing, broken or another tier's.
    """
    run = named_folder(run)
    path = configfile or configfile_of(run.name)
    config = load_config([path])
    if config.tier["tier"] != run.name:
        raise InputError(
            f"belongs to the tier {config.tier['tier']}", where=path, fix=f"give the file of {run.name}: --configfile"
        )
    return config


def configfile_of(tier: str) -> Path:
    """Where the file of a tier is sought."""
    return Path(found_in(ROOT)(f"config/{tier}.yaml"))
