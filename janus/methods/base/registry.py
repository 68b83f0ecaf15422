"""Methods by name: a file of this package, or a file anywhere that defines one."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import janus.methods
from janus.errors import InputError
from janus.files import sha256
from janus.methods.base.method import BaseMethod, Method


@cache
def method_names() -> list[str]:
    """The methods of this package, by name."""
    return sorted(found.name for found in pkgutil.iter_modules(janus.methods.__path__) if not found.ispkg)


def find_method(name: str) -> type[BaseMethod]:
    """The class `METHOD` of the file janus/methods/<name>.py, or of the Python file `name` if it ends in .py.

    Raises InputError if there is no such file or it defines no method.
    """
    if name.endswith(".py"):
        return _method_of(_load_file(name), name, name)
    if name not in method_names():
        close = difflib.get_close_matches(name, method_names(), n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise InputError(
            f"unknown method {name!r}{hint}",
            where="method",
            fix=f"use one of {', '.join(method_names())}, or the path of a .py file that defines one",
        )
    return _method_of(importlib.import_module(f"janus.methods.{name}"), name, f"janus/methods/{name}.py")


def make_method(name: str, options: Mapping[str, Any]) -> BaseMethod:
    """The method `name` with `options`. Raises InputError as `find_method` does, and for options that do not fit."""
    return find_method(name).of(options)


def core_method(name: str, options: Mapping[str, Any]) -> Method:
    """A method in this suite's model. Raises InputError for one that fairseq's own models train."""
    method = make_method(name, options)
    if not isinstance(method, Method):
        raise InputError(f"{name} is trained by fairseq's own task", where="--method", fix="name another method")
    return method


def module_of(name: str) -> str:
    """The module of a method of this package, for the digest of the code; empty for a file of one's own."""
    return "" if name.endswith(".py") else f"janus.methods.{name}"


def _method_of(module: ModuleType, name: str, where: str) -> type[BaseMethod]:
    method = getattr(module, "METHOD", None)
    if not (isinstance(method, type) and issubclass(method, BaseMethod)):
        raise InputError("it defines no METHOD", where=where, fix="assign a subclass of Method to METHOD")
    method.name = name
    return method


def _load_file(name: str) -> ModuleType:
    path = Path(name)
    if not path.is_file():
        raise InputError("no such file", where=name, fix="correct the path of the method")
    return _load_version(path.resolve(), sha256(path))


@cache
def _load_version(path: Path, digest: str) -> ModuleType:
    """A file as a module; `digest` distinguishes versions of it."""
    module_name = f"janus_method_{path.stem}_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Pickling of workers and dataclasses look a module up by its name.
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module
