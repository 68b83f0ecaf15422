"""The tiers of config/, its files that name one, and the smallest blocks that a tier may have."""

from pathlib import Path

from janus.config.tiers import read_yaml

_CONFIG = Path(__file__).resolve().parents[1] / "config"
TIERS = tuple(path.stem for path in sorted(_CONFIG.glob("*.yaml")) if "tier" in read_yaml(path))
SMALLEST = {
    "model": {"layers": 1, "embed_dim": 8, "ffn_dim": 8, "heads": 1},
    "training": {
        "max_update": 1,
        "max_tokens": 100,
        "lr": 0.001,
        "warmup_updates": 1,
        "dropout": 0.0,
        "weight_decay": 0.0,
        "average_checkpoints": 1,
    },
    "decoding": {"beam": 1, "lenpen": 1.0, "passes": 2, "length_beam": 1, "batch_tokens": 100},
}
