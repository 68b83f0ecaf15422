"""BART's weights (Lewis et al., 2020) from either published form: fairseq's archive or Hugging Face's folder.

Both contain the same numbers under different names; here they have fairseq's. Nothing in a file is executed.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from janus.errors import InputError
from janus.fetching.extract import extract
from janus.model.checkpoints import build_model, check_numbers, options_of, read_checkpoint
from janus.model.hugging_face import TIED, file_name, read_folder
from janus.model.saving import write_checkpoint
from janus.model.transformer import JanusTransformer

_LENGTHS = "decoder.embed_length.weight"


def load_bart(path: Path) -> JanusTransformer:
    """BART as a plain Transformer of this engine, ready to decode, from a .pt file or a Hugging Face folder.

    Raises InputError if the path is neither, or another model.
    """
    options, weights = read_bart(path)
    try:
        return build_model(options, weights, where=path).eval()
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit the options ({reason})", where=path, fix="fetch it again") from error


def start_from(model: JanusTransformer, path: Path, *, mask_last: bool) -> None:
    """Copy the weights of a BART, or of a checkpoint of joint training, into `model`.

    The length embedding keeps its initial values (section 3.3). Words are matched by index, since both dictionaries
    begin with the same words; the last word of the file is its mask, as in BART's archives, and with `mask_last` also
    that of the model. Raises InputError if a weight is missing or has another shape, or if the file has fewer words.
    """
    _, weights = read_bart(path)
    own = model.state_dict()
    for name, tensor in own.items():
        if name == _LENGTHS:
            continue
        if name not in weights:
            raise InputError(f"it has no {name}", where=path, fix="give a model of the same architecture")
        given = weights[name]
        if name in TIED:
            given = _fit_words(given, tensor.size(0), mask_last, path)
        if given.shape != tensor.shape:
            shapes = f"{name} is {list(given.shape)} and must be {list(tensor.shape)}"
            raise InputError(shapes, where=path, fix="give the sizes of that model")
        tensor.copy_(given)


def unpack_start(downloads: Sequence[Path], output: Path, *, member: str, words: int) -> None:
    """`write_start` from downloads: an archive with the checkpoint `member`, or Hugging Face's files.

    The latter end in config.json and in the names of its weights. Raises InputError if one is missing or unsafe.
    """
    with TemporaryDirectory(dir=output.parent, prefix=".work.") as work:
        if member:
            path = extract(downloads[0], [member], Path(work))[member]
        else:
            path = Path(work)
            for download in downloads:
                if name := file_name(download.name):
                    (path / name).symlink_to(download.resolve())
        write_start(path, output, words=words)


def write_start(path: Path, output: Path, *, words: int) -> None:
    """Write the BART at `path` as a fairseq checkpoint with `words` words, the last one the mask, to start from.

    fairseq's archive has unused rows between the words and the mask, which are dropped. Raises InputError if the path
    is not a BART, or one with fewer words.
    """
    options, weights = read_bart(path)
    for name in TIED:
        weights[name] = _fit_words(weights[name], words, True, path)
    state = {
        "args": Namespace(**{**options, "task": "translation", "criterion": "label_smoothed_cross_entropy"}),
        "model": weights,
        "optimizer_history": [{"num_updates": 0, "criterion_name": "", "optimizer_name": "", "lr_scheduler_state": {}}],
        "extra_state": {"train_iterator": {"epoch": 1, "iterations_in_epoch": 0}},
        "last_optimizer_state": None,
    }
    write_checkpoint(state, output)


def _fit_words(given: Tensor, words: int, mask_last: bool, path: Path) -> Tensor:
    if given.size(0) < words:
        raise InputError(
            f"it has {given.size(0)} words, the dictionary has {words}", where=path, fix="use its own dictionary"
        )
    return torch.cat([given[: words - 1], given[-1:]]) if mask_last else given[:words]


def read_bart(path: Path) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """fairseq's options and weights by fairseq's names. Raises InputError if a weight is not a number."""
    path = Path(path)
    options, weights = read_folder(path) if path.is_dir() else _from_fairseq(path)
    check_numbers(weights, path)
    return options, weights


def _from_fairseq(path: Path) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    state = read_checkpoint(path)
    options = options_of(state, path)
    # Classification heads are not part of the sequence model.
    weights = {name: tensor for name, tensor in state["model"].items() if not name.startswith("classification_heads.")}
    if TIED[1] in weights:
        weights.setdefault(TIED[2], weights[TIED[1]])
    return options if isinstance(options, Mapping) else vars(options), weights
