"""The model in a checkpoint of any system, ready to decode."""

from __future__ import annotations

import importlib
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from janus.errors import InputError
from janus.methods.base.method import Method
from janus.methods.base.registry import core_method
from janus.model.checkpoints import build_model, check_numbers, options_of, read_checkpoint
from janus.model.transformer import JanusTransformer
from kernels.packed_linear import pack_linear_layers

_HALF = (torch.float16, torch.bfloat16)


def load_model(path: Path, device: str = "cpu", *, bridge: str = "") -> JanusTransformer:
    """The model of a checkpoint of this suite, of fairseq's Transformer, CMLM or BART, or of the authors' release.

    bridge: that of the method (`BaseMethod.bridge`), whose model has a `config` and decodes itself.
    It has no dropout. A GPU computes in the precision of the checkpoint. On a CPU, half precision is converted to
    float32, which is exact and faster, and linear layers are packed: such a model can decode but not be trained.
    Raises InputError if the file is not a checkpoint, its weights do not fit its options, or they are not numbers.
    """
    if bridge:
        return importlib.import_module(bridge).load_model(path, device)
    state = read_checkpoint(path)
    check_numbers(state["model"], path)
    options, weights, method = options_of(state, path), state["model"], remembered_method(state, path)
    if torch.device(device).type == "cpu":
        weights = {name: tensor.float() if tensor.dtype in _HALF else tensor for name, tensor in weights.items()}
    how: dict[str, Any] = {"network": method.network, "configure": method.configure} if method else {}
    try:
        return pack_linear_layers(build_model(options, weights, where=path, **how).to(device).eval())
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit the options ({reason})", where=path, fix="restore the file") from error


def remembered_method(state: Mapping[str, Any], path: Path) -> Method | None:
    """The method that trained the checkpoint at `path`, with its options; None for checkpoints of another task.

    Raises InputError if its file is missing or does not have these options.
    """
    task = (state.get("cfg") or {}).get("task") or {}
    task = vars(task) if isinstance(task, Namespace) else task
    if task.get("_name") != "janus":
        return None
    name, written = (task.get(key) for key in ("method", "method_options"))
    if not (isinstance(name, str) and isinstance(written, str)):
        raise InputError("does not say which method trained it", where=path, fix="restore the file")
    try:
        return core_method(name, yaml.safe_load(written))
    except InputError:
        raise
    # Of YAML that is cut or meant for harm, and of options that the method has not.
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        what = f"its options {written[:60]!r} are not those of the method {name!r} ({type(error).__name__})"
        raise InputError(what, where=path, fix="restore the file, or the version of the method") from error
