"""Real and narrow tiers, for the tests of the rehearsal."""

import tempfile
from pathlib import Path

from checked_tiers import systems_of

from janus.config.system_entries import with_entries
from janus.config.tiers import check, read_yaml
from janus.fetching.manifest import load_manifest
from janus.rehearsal.manifest import narrow_manifest
from janus.rehearsal.narrow import Machine, narrow_tier

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "workflow/schemas"
MANIFEST = load_manifest(ROOT / "config/corpora.yaml")
PROCESSOR = Machine(gpus=0, cores=2, parquet=False)


def tier_of(name, *, narrow=False):
    """A checked tier of config/, or what a rehearsal on a processor makes of it."""
    tier = check(read_yaml(ROOT / f"config/{name}.yaml"), SCHEMAS / "tier.schema.yaml", where=name)
    systems = systems_of(name)
    tier = with_entries(tier, systems)
    return narrow_tier(tier, systems, MANIFEST, PROCESSOR)[0] if narrow else tier


def narrow(name, mirror=None, machine=PROCESSOR):
    """The narrow tier, the narrow manifest and the notes of both; downloads go to `mirror`."""
    tier, notes = narrow_tier(tier_of(name), systems_of(name), MANIFEST, machine)
    content, more = narrow_manifest(tier, MANIFEST, mirror or Path(tempfile.mkdtemp()), parquet=machine.parquet)
    return tier, content, notes + more
