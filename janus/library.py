"""The names of `import janus`, each loaded from its module when it is first used."""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

# The module of each name.
_NAMES = {
    "load": "janus.translator.translator",
    "translate": "janus.translator.translator",
    "Translator": "janus.translator.translator",
    "Decoding": "janus.decoding.decoding",
    "find_decoder": "janus.decoding.decoding",
    "decoder_names": "janus.decoding.decoding",
    "find_method": "janus.methods.base.registry",
    "method_names": "janus.methods.base.registry",
    "load_model": "janus.methods.base.loading",
    "joint_loss": "janus.methods.base.joint_loss",
    "PAPER": "janus.methods.base.joint_loss",
    "RELEASE": "janus.methods.base.joint_loss",
    "JanusTransformer": "janus.model.transformer",
    "TransformerConfig": "janus.model.config",
    "score_outputs": "janus.metrics.outputs",
    "Outputs": "janus.metrics.outputs",
    "compare": "janus.metrics.comparison",
    "InputError": "janus.errors",
    "JobError": "janus.errors",
}
_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def names() -> list[str]:
    """All names, in the order of the alphabet."""
    return sorted([*_NAMES, "__version__"])


def find(name: str) -> Any:
    """What a name of `import janus` stands for. Raises AttributeError for another name, as a module does."""
    package = sys.modules["janus"]
    if name == "__all__":
        return names()
    if name == "__version__":
        value: Any = version()
    elif name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
    else:
        raise AttributeError(f"module 'janus' has no attribute {name!r}")
    setattr(package, name, value)
    return value


def version() -> str:
    """The version, which pyproject.toml says: of a checkout the file itself, of a wheel what was built from it."""
    if _PROJECT.is_file():
        return tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return importlib.metadata.version("janus-suite")
