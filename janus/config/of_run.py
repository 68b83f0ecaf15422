"""The config of a run, from the folder of its results."""

from pathlib import Path
from typing import Any

from janus.config.system_entries import load_systems, with_entries
from janus.config.tiers import check, read_yaml
from janus.data import SCHEMAS
from janus.errors import InputError
from janus.fetching.manifest import load_manifest

_ROOT = Path(__file__).resolve().parents[2]


def config_of_run(run: Path, configfile: Path | None = None) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Tier, systems and corpora of results/<tier>, checked; the tier's file is config/<tier>.yaml unless given.

    Raises InputError where the file is missing, broken or another tier's.
    """
    path = configfile or configfile_of(run.name)
    tier = check(read_yaml(path), SCHEMAS / "tier.schema.yaml", where=path)
    if tier["tier"] != run.name:
        raise InputError(
            f"belongs to the tier {tier['tier']}", where=path, fix=f"give the file of {run.name}: --configfile"
        )
    systems_file, corpora_file = (_found(Path(tier[key])) for key in ("systems_file", "corpora_file"))
    systems = load_systems(systems_file, SCHEMAS)
    return with_entries(tier, systems), systems, load_manifest(corpora_file).corpora


def configfile_of(tier: str) -> Path:
    """Where the file of a tier is sought."""
    return _found(Path("config") / f"{tier}.yaml")


def _found(path: Path) -> Path:
    """A path of the working directory, or of the project where only that has it."""
    return _ROOT / path if not path.exists() and (_ROOT / path).exists() else path
