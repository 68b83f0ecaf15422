"""The tiers of config/: its files that name one."""

from pathlib import Path

from janus.config.tiers import read_yaml

_CONFIG = Path(__file__).resolve().parents[1] / "config"
TIERS = tuple(path.stem for path in sorted(_CONFIG.glob("*.yaml")) if "tier" in read_yaml(path))
