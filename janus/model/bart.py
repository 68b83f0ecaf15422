"""BART's weights (Lewis et al., 2020) from either place they are published: fairseq's archive, Hugging Face's folder.

Both hold the same numbers under other names; what is read here carries fairseq's. Nothing a file holds is executed.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from janus.corpora.extract import extract
from janus.errors import InputError
from janus.files import atomic_path
from janus.model.checkpoints import build_model, options_of, read_checkpoint
from janus.model.transformer import JanusTransformer

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# Hugging Face's name of an option: fairseq's.
_OPTIONS = {
    "activation_function": "activation_fn",
    "max_position_embeddings": "max_source_positions",
    "dropout": "dropout",
    "attention_dropout": "attention_dropout",
    "activation_dropout": "activation_dropout",
    **{f"{side}_layers": f"{side}_layers" for side in ("encoder", "decoder")},
    **{f"{side}_ffn_dim": f"{side}_ffn_embed_dim" for side in ("encoder", "decoder")},
    **{f"{side}_attention_heads": f"{side}_attention_heads" for side in ("encoder", "decoder")},
}
_SHARED = "model.shared.weight"
_LENGTHS = "decoder.embed_length.weight"
_TIED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight")


def load_bart(path: Path) -> JanusTransformer:
    """BART as a plain Transformer of this engine, ready to decode, from a .pt file or a Hugging Face folder.

    Raises InputError where the path holds neither, or another model.
    """
    options, weights = read_bart(path)
    try:
        return build_model(options, weights).eval()
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit the options ({reason})", where=path, mend="fetch it again") from error


def start_from(model: JanusTransformer, path: Path, *, mask_last: bool) -> None:
    """Copy into `model` what a BART, or a checkpoint of joint training, has of its weights.

    The table of lengths stays fresh (section 3.3). Words are matched by number, as both dictionaries begin with the
    same ones; the last word of the file is its mask, as in BART's archives, and of the model where `mask_last`.
    Raises InputError where a weight is missing or has another shape, or where the file has fewer words.
    """
    _, weights = read_bart(path)
    own = model.state_dict()
    for name, tensor in own.items():
        if name == _LENGTHS:
            continue
        if name not in weights:
            raise InputError(f"it has no {name}", where=path, mend="give a model of the same architecture")
        given = weights[name]
        if name in _TIED:
            given = _fit_words(given, tensor.size(0), mask_last, path)
        if given.shape != tensor.shape:
            shapes = f"{name} is {list(given.shape)} and must be {list(tensor.shape)}"
            raise InputError(shapes, where=path, mend="give the sizes of that model")
        tensor.copy_(given)


def unpack_start(downloads: Sequence[Path], output: Path, *, member: str, words: int) -> None:
    """`write_start` from what was fetched: an archive with the checkpoint `member`, or Hugging Face's files.

    Those end in config.json and model.safetensors. Raises InputError where one is missing or unsafe.
    """
    with TemporaryDirectory(dir=output.parent, prefix=".work.") as work:
        if member:
            path = extract(downloads[0], [member], Path(work))[member]
        else:
            path = Path(work)
            for download, name in ((path, name) for path in downloads for name in (CONFIG, WEIGHTS)):
                if download.name.endswith(name):
                    (path / name).symlink_to(download.resolve())
        write_start(path, output, words=words)


def write_start(path: Path, output: Path, *, words: int) -> None:
    """Write the BART at `path` as a fairseq checkpoint that trainings start from, of `words` words, the last the mask.

    fairseq's archive has rows that no dictionary names between the words and the mask; they are left out. Raises
    InputError where the path holds no BART, or one of fewer words.
    """
    options, weights = read_bart(path)
    for name in _TIED:
        weights[name] = _fit_words(weights[name], words, True, path)
    state = {
        "args": Namespace(**{**options, "task": "translation", "criterion": "label_smoothed_cross_entropy"}),
        "model": weights,
        "optimizer_history": [{"num_updates": 0, "criterion_name": "", "optimizer_name": "", "lr_scheduler_state": {}}],
        "extra_state": {"train_iterator": {"epoch": 1, "iterations_in_epoch": 0}},
        "last_optimizer_state": None,
    }
    with atomic_path(output) as partial:
        torch.save(state, partial)


def _fit_words(given: Tensor, words: int, mask_last: bool, path: Path) -> Tensor:
    if given.size(0) < words:
        raise InputError(
            f"it knows {given.size(0)} words, the dictionary has {words}", where=path, mend="use its own dictionary"
        )
    return torch.cat([given[: words - 1], given[-1:]]) if mask_last else given[:words]


def read_bart(path: Path) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """fairseq's options and weights by fairseq's names."""
    path = Path(path)
    if path.is_dir():
        return _from_hugging_face(path)
    state = read_checkpoint(path)
    options = options_of(state, path)
    # Heads of sentence classification are no part of the sequence model.
    weights = {name: tensor for name, tensor in state["model"].items() if not name.startswith("classification_heads.")}
    weights.setdefault(_TIED[2], weights[_TIED[1]])
    return options if isinstance(options, Mapping) else vars(options), weights


def _from_hugging_face(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    mend = f"give a folder with {CONFIG} and {WEIGHTS} of a BART"
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        stored = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"no readable model ({error})", where=folder, mend=mend) from error
    if config.get("model_type") != "bart" or _SHARED not in stored:
        raise InputError(f"holds a model of type {config.get('model_type')}", where=folder, mend=mend)
    bias = stored.pop("final_logits_bias", None)
    if bias is not None and bias.count_nonzero():
        raise InputError("its logits have a bias, which this engine has not", where=folder, mend=mend)
    shared = stored.pop(_SHARED)
    weights = {name.removeprefix("model."): tensor for name, tensor in stored.items()}
    weights.pop("lm_head.weight", None)
    weights.update(dict.fromkeys(_TIED, shared))
    return _fairseq_options(config), weights


def _fairseq_options(config: Mapping[str, Any]) -> dict[str, Any]:
    options = {ours: config[theirs] for theirs, ours in _OPTIONS.items()}
    return options | {
        "arch": "bart_base",
        "encoder_embed_dim": config["d_model"],
        "decoder_embed_dim": config["d_model"],
        "max_target_positions": config["max_position_embeddings"],
        "encoder_learned_pos": True,
        "decoder_learned_pos": True,
        "layernorm_embedding": True,
        "no_scale_embedding": not config["scale_embedding"],
        "share_all_embeddings": True,
    }
