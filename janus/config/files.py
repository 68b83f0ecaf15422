"""A tier, its systems and its corpora, read and checked together: every fault of their files is said at once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from janus.config.system_entries import load_systems
from janus.config.tiers import check, read_yaml
from janus.errors import together
from janus.fetching.manifest import Manifest, load_manifest

_FILES = ("systems_file", "corpora_file", "claims_file", "mirror")


def of_project(path: str | Path, root: Path) -> str:
    """A path of the working directory, or of the project at `root` where only that has it."""
    return str(root / path) if not Path(path).exists() and (root / path).exists() else str(path)


def load_config(
    config: Mapping[str, Any], schemas: Path, *, where: object, found: Callable[[str], str] = str
) -> tuple[dict[str, Any], dict[str, Any], Manifest]:
    """The checked tier, systems and manifest of a `config`, each with its defaults.

    schemas: the folder workflow/schemas. where: names the tier in errors. found: finds a path that the tier names.
    Raises InputError for a fault, InputErrors for several, of all three files together.
    """
    schema = Path(schemas) / "tier.schema.yaml"
    rules = read_yaml(schema)["properties"]
    named = {key: config.get(key, rules[key]["default"]) for key in _FILES}
    paths = {
        key: found(path) if isinstance(path, str) and path and "://" not in path else path
        for key, path in named.items()
    }
    files = {key: str(paths[key]) for key in _FILES[:2]}
    own = config.get("systems")
    tier, systems, manifest = together(
        lambda: check(dict(config), schema, where=where),
        lambda: load_systems(
            files["systems_file"], Path(schemas), own=own if isinstance(own, Mapping) else None, where=where
        ),
        lambda: load_manifest(Path(files["corpora_file"])),
    )
    return {**tier, **paths}, systems, manifest
