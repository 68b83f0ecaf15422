"""BART as Hugging Face's library publishes it, in each of its layouts, under fairseq's names.

The weights are in one file or in shards with an index, as safetensors or in torch's own format. Their names may begin
with `model.`, depending on the class that saved them. The word embedding, which encoder, decoder and output share, is
stored under one or several of its names. Options missing in config.json have the library's defaults. Nothing is
executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from janus.errors import InputError
from janus.files import parse_json
from janus.model.loading import load_safely

CONFIG = "config.json"
# In the order in which the library tries them.
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
TIED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight")

_FIX = f"give a folder with {CONFIG} and {WEIGHTS[0]} of a BART"
_OUTPUT, _SHARED = "lm_head.weight", "shared.weight"
# Heads of other tasks, and entries that old versions of the library stored with the weights.
_HEADS = ("classification_head.", "qa_outputs.")
_REMAINS = (".version", ".position_ids")
# Hugging Face's name of an option: fairseq's, and the default of `BartConfig`.
_OPTIONS: dict[str, tuple[str, Any]] = {
    "activation_function": ("activation_fn", "gelu"),
    "max_position_embeddings": ("max_source_positions", 1024),
    "d_model": ("encoder_embed_dim", 1024),
    "dropout": ("dropout", 0.1),
    "attention_dropout": ("attention_dropout", 0.0),
    "activation_dropout": ("activation_dropout", 0.0),
    "scale_embedding": ("no_scale_embedding", False),
    **{f"{side}_layers": (f"{side}_layers", 12) for side in ("encoder", "decoder")},
    **{f"{side}_ffn_dim": (f"{side}_ffn_embed_dim", 4096) for side in ("encoder", "decoder")},
    **{f"{side}_attention_heads": (f"{side}_attention_heads", 16) for side in ("encoder", "decoder")},
}
# Other options of a BART's config, with the only value that this suite supports.
_ONLY = {
    "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2, "tie_word_embeddings": True,
    "normalize_before": False, "normalize_embedding": True, "add_final_layer_norm": False, "add_bias_logits": False,
    "static_position_embeddings": False,
}  # fmt: skip
# The library's names of the functions that a model here computes.
_ACTIVATIONS = {"gelu": "gelu", "gelu_python": "gelu", "relu": "relu"}


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """fairseq's options, and the weights in single precision by fairseq's names.

    Raises InputError if the folder does not contain a BART, or one with unsupported options.
    """
    options = _fairseq_options(_read_json(folder / CONFIG), folder / CONFIG)
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise InputError(f"no weights ({', '.join(WEIGHTS)})", where=folder, fix=_FIX)
    return options, _fairseq_weights(_read_weights(path), path)


def file_name(download: str) -> str | None:
    """The name of a downloaded file in a folder of the library, without the prefix from the manifest."""
    shard = download.rpartition("model-")
    if shard[1] and shard[2].endswith((".safetensors", ".bin")):
        return ("pytorch_model-" if shard[0].endswith("pytorch_") else "model-") + shard[2]
    if download.endswith(tuple(f"{tool}_{CONFIG}" for tool in ("generation", "tokenizer", "preprocessor"))):
        return None
    return next((name for name in (*WEIGHTS, CONFIG) if download.endswith(name)), None)


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = parse_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"no readable model ({error})", where=path, fix=_FIX) from error
    if not isinstance(content, dict):
        raise InputError("no readable model (it is no JSON object)", where=path, fix=_FIX)
    return content


def _read_weights(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".json":
        return _read_shards(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"no readable model ({error})", where=path, fix="fetch it again") from error
    stored = load_safely(path, refusal="no readable model")
    if not isinstance(stored, dict) or not all(isinstance(tensor, Tensor) for tensor in stored.values()):
        raise InputError("contains something other than named weights", where=path, fix=_FIX)
    return stored


def _read_shards(index: Path) -> dict[str, Tensor]:
    places = _read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise InputError("no weight_map from names to files", where=index, fix="fetch it again")
    weights: dict[str, Tensor] = {}
    for name in sorted(set(places.values())):
        path = index.parent / name
        if Path(name).name != name or not path.is_file():
            raise InputError(f"it names the file {name!r}, which is missing", where=index, fix="fetch that file too")
        weights |= _read_weights(path)
    if missing := sorted(set(places) - set(weights)):
        raise InputError(f"its files lack {missing[0]}", where=index, fix="fetch them again")
    return weights


def _fairseq_weights(stored: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    plain = {name.removeprefix("model."): tensor for name, tensor in stored.items()}
    bias = plain.pop("final_logits_bias", None)
    if bias is not None and bias.count_nonzero():
        raise InputError("its logits have a bias, which is not supported", where=path, fix=_FIX)
    tables = {name: plain.pop(name) for name in (_SHARED, *TIED[:2], _OUTPUT) if name in plain}
    if not tables:
        raise InputError("has no word embeddings, so it is not a BART", where=path, fix=_FIX)
    shared = next(iter(tables.values()))
    for name, table in tables.items():
        if not table.equal(shared):
            raise InputError(f"{name} differs from {next(iter(tables))}; they must be tied", where=path, fix=_FIX)
    weights = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in plain.items()
        if not name.startswith(_HEADS) and not name.endswith(_REMAINS)
    }
    return weights | dict.fromkeys(TIED, shared.float())


def _fairseq_options(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    if config.get("model_type", "bart") != "bart":
        raise InputError(f"contains a model of type {config['model_type']}", where=path, fix=_FIX)
    for name, value in _ONLY.items():
        if config.get(name, value) != value:
            raise InputError(f"{name} is {config[name]!r}, but only {value!r} is supported", where=path, fix=_FIX)
    values = {name: config.get(name, default) for name, (_, default) in _OPTIONS.items()}
    for name, value in values.items():
        if type(value) not in _kinds(_OPTIONS[name][1]):
            raise InputError(f"{name} is {value!r}", where=path, fix="fetch it again")
    activation = values["activation_function"]
    if activation not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise InputError(f"activation_function is {activation!r}", where=path, fix=f"give a model with one of {known}")
    options = {ours: values[theirs] for theirs, (ours, _) in _OPTIONS.items()}
    return options | {
        "arch": "bart_base",
        "activation_fn": _ACTIVATIONS[activation],
        "decoder_embed_dim": options["encoder_embed_dim"],
        "max_target_positions": options["max_source_positions"],
        "encoder_learned_pos": True,
        "decoder_learned_pos": True,
        "layernorm_embedding": True,
        "no_scale_embedding": not values["scale_embedding"],
        "share_all_embeddings": True,
    }


def _kinds(default: Any) -> tuple[type, ...]:
    """The JSON types accepted for an option with this default."""
    return (float, int) if isinstance(default, float) else (type(default),)
