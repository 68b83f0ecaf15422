"""The tiers of config/, changed and checked, for the tests of what a config may say."""

from pathlib import Path

import pytest

from janus.claims.statements import load_statements
from janus.config.consistency import check_sense
from janus.config.distilled import with_distilled
from janus.config.system_entries import load_systems, with_entries
from janus.config.tiers import check, read_yaml
from janus.errors import InputError
from janus.fetching.manifest import load_manifest
from janus.report.published import load_published

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "workflow/schemas"
DEMO = read_yaml(ROOT / "config/demo.yaml")
MANIFEST = load_manifest(ROOT / "config/corpora.yaml")
CORPORA, TEXTS = MANIFEST.corpora, MANIFEST.texts
SYSTEMS = load_systems(ROOT / "config/systems.yaml", SCHEMAS)
PUBLISHED = load_published(ROOT / "workflow/published")
STATEMENTS = load_statements(ROOT / "workflow/published/claims.csv")


def systems_of(name):
    """The systems of config/systems.yaml and those of a tier's own."""
    own = read_yaml(ROOT / f"config/{name}.yaml").get("systems")
    return load_systems(ROOT / "config/systems.yaml", SCHEMAS, own=own) if own else SYSTEMS


def checked(change=lambda tier: None, *, of="demo", systems=None):
    tier, systems = read_yaml(ROOT / f"config/{of}.yaml"), systems or systems_of(of)
    change(tier)
    tier = with_entries(check(tier, SCHEMAS / "tier.schema.yaml", where=f"{of}.yaml"), systems)
    known = {"texts": TEXTS, "models": ["bart.base"], "published": PUBLISHED, "statements": STATEMENTS}
    check_sense(tier, systems, with_distilled(CORPORA, tier), **known, where=f"{of}.yaml")
    return tier


def problems(change, **options):
    with pytest.raises(InputError) as caught:
        checked(change, **options)
    return str(caught.value).splitlines()
