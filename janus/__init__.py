"""JANUS: joint autoregressive and non-autoregressive sequence generation (EMNLP 2022), reproduced and measured.

`import janus` is fast: its names (janus/library.py lists them) are loaded when they are used.
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    return import_module("janus.library").find(name)


def __dir__() -> list[str]:
    return import_module("janus.library").names()
