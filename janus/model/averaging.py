"""The mean of several checkpoints' weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from janus.errors import InputError
from janus.model.checkpoints import check_numbers, read_checkpoint
from janus.model.saving import without_circumstances, write_checkpoint


def average_checkpoints(paths: Sequence[Path], output: Path) -> dict[str, str]:
    """Write a checkpoint whose weights are the mean of those given (section 4.2 averages five).

    Returns the digests of their weights by file name, in the order given. Options and everything else except wall times
    come from the last path, so that equal trainings give equal files.
    Raises InputError if the weights do not match, or if those of a file are not finite, which would spread to the mean.
    """
    if not paths:
        raise InputError("no checkpoints to average", where=output, fix="train first")
    state = read_checkpoint(paths[-1])
    check_numbers(state["model"], paths[-1])
    digests = {paths[-1].name: digest_of_weights(state["model"])}
    total = {name: tensor.double() for name, tensor in state["model"].items()}
    for path in paths[:-1]:
        other = read_checkpoint(path)["model"]
        if other.keys() != total.keys():
            raise InputError(
                "its architecture differs from the others", where=path, fix="average checkpoints of one run"
            )
        check_numbers(other, path)
        if any(tensor.shape != total[name].shape for name, tensor in other.items()):
            raise InputError("its size differs from the others", where=path, fix="average checkpoints of one run")
        digests[path.name] = digest_of_weights(other)
        for name, tensor in other.items():
            total[name] += tensor
    kinds = {name: tensor.dtype for name, tensor in state["model"].items()}
    state["model"] = {name: (tensor / len(paths)).to(kinds[name]) for name, tensor in total.items()}
    # Large, and not needed in an average. The short optimiser history is kept: fairseq does not load a file without it.
    state["last_optimizer_state"] = None
    write_checkpoint(without_circumstances(state), output)
    return {path.name: digests[path.name] for path in paths}


def digest_of_weights(weights: Mapping[str, Tensor]) -> str:
    """Hex SHA-256 of names, types, shapes and values of a model's weights, on the CPU.

    The file of a checkpoint also contains times and differs between two equal trainings; its weights do not.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
