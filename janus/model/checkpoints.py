"""Reading and interpreting checkpoints of fairseq, of the authors' release and of this suite.

All have fairseq's format: a pickle of tensors, options (argparse.Namespace) and plain values. It is read with torch's
safe loader, which executes nothing; Namespace is the only class allowed in addition to torch's own.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from janus.errors import InputError
from janus.model.config import TransformerConfig
from janus.model.loading import load_safely
from janus.model.transformer import JanusTransformer

# Allowed permanently: torch's context manager would, at its end, also remove the class for others that allowed it, such
# as fairseq's plugin, and a training that has read its start could not read its own checkpoints.
torch.serialization.add_safe_globals([Namespace])
_REFUSED_OPTIONS = {
    "encoder_normalize_before": False,
    "decoder_normalize_before": False,
    "no_token_positional_embeddings": False,
    "src_embedding_copy": False,
    "adaptive_softmax_cutoff": None,
    "cross_self_attention": False,
}
# The types of an option, by that of its default; older versions of fairseq write 0 and 1 for switches.
_KINDS: dict[type, tuple[type, ...]] = {bool: (bool, int), int: (int,), float: (float, int), str: (str,)}
# Of a width or a table of positions. Tables are built before weights are compared with them.
_LARGEST = 1 << 20
_IGNORED_ENTRIES = ("version", "_float_tensor", "embed_positions.weights")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a fairseq checkpoint, on the CPU.

    Its `model` maps names to tensors. Raises InputError if the file is missing or contains no model, and as
    `load_safely` does.
    """
    path = Path(path)
    if not path.is_file():
        if path.exists() or path.is_symlink():
            raise InputError("is not a file", where=path, fix="move it away and run again")
        raise InputError("no such checkpoint", where=path, fix="train first, or correct the path")
    state = load_safely(path)
    weights = state.get("model") if isinstance(state, dict) else None
    if not isinstance(weights, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in weights.items()
    ):
        raise InputError("contains no model", where=path, fix="give a checkpoint written by fairseq-train")
    for name, value, kinds in _parts(state):
        if value is not None and not isinstance(value, kinds):
            wanted = "list" if kinds is list else "map"
            fix = "give a checkpoint written by fairseq-train"
            raise InputError(f"its {name} is a {type(value).__name__}, not a {wanted}", where=path, fix=fix)
    return state


def _parts(state: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What readers of a checkpoint take for maps and lists: name, value, and the types that fairseq writes."""
    yield "args", state.get("args"), (Namespace, Mapping)
    yield "extra_state", state.get("extra_state"), Mapping
    config = state.get("cfg")
    yield "cfg", config, Mapping
    parts = config if isinstance(config, Mapping) else {}
    for name in ("model", "task", "distributed_training"):
        yield f"cfg.{name}", parts.get(name), Mapping if name == "distributed_training" else (Namespace, Mapping)
    history = state.get("optimizer_history")
    yield "optimizer_history", history, list
    for entry in history if isinstance(history, list) else []:
        yield "entry of optimizer_history", entry, Mapping


def check_numbers(weights: Mapping[str, Tensor], path: Path) -> None:
    """Raise InputError, naming the file, if a weight is NaN or infinite, as after a diverged training."""
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(
                f"its weights are not numbers ({name} is NaN or infinite in places)",
                where=path,
                fix="train again, in float32 or with a lower learning rate",
            )


def options_of(state: Mapping[str, Any], path: Path) -> Namespace | Mapping[str, Any]:
    """fairseq's model options in the content of a checkpoint, from old or new versions."""
    options = state.get("args") or (state.get("cfg") or {}).get("model")
    if options is None:
        raise InputError("contains no model options", where=path, fix="give a checkpoint written by fairseq-train")
    return options


def _shown(value: Any) -> str:
    """A value in a message; Python does not print the longest integers."""
    return "a huge number" if isinstance(value, int) and abs(value) > 1 << 64 else f"{value!r:.40}"


def _size(value: Any) -> float:
    """The size of an option: of a number its value, of a text its length. NaN has none within any bounds."""
    return len(value) if isinstance(value, str) else value


def build_model(
    options: Namespace | Mapping[str, Any],
    weights: Mapping[str, Tensor],
    *,
    network: type[JanusTransformer] = JanusTransformer,
    configure: Callable[[TransformerConfig], TransformerConfig] = lambda config: config,
    where: object = "the model",
) -> JanusTransformer:
    """A model that shares the given weights (no copy), described by fairseq's options.

    network, configure: of the method that trained it; without them, its config is guessed from the options.

    The table of sinusoidal positions is computed, in the type and on the device of the weights. Raises InputError, with
    `where`, for options or tables that do not belong to a Transformer, and torch's RuntimeError if names or shapes of
    the weights do not match the options.
    """
    weights = {k: v for k, v in weights.items() if not k.endswith(_IGNORED_ENTRIES)}
    tables = [weights.get(f"{side}.embed_tokens.weight") for side in ("encoder", "decoder")]
    if any(table is None or table.dim() != 2 for table in tables):
        raise InputError("has no word embeddings", where=where, fix="give a checkpoint of a Transformer")
    sizes = [table.size(0) for table in tables if table is not None]
    # The architectures of the release have their own names; a length table distinguishes them from a Transformer.
    lengths = weights.get("decoder.embed_length.weight")
    config = config_from_options(options, *sizes, has_length=lengths is not None, where=where)
    # Before layers are made, of which an option may name millions.
    if config.encoder_layers + config.decoder_layers > len(weights):
        what = (
            f"its options describe {config.encoder_layers} + {config.decoder_layers} layers, more than it has weights"
        )
        raise InputError(what, where=where, fix="restore the file")
    if lengths is not None:
        config = replace(config, length_classes=lengths.size(0))
    with torch.device("meta"), _Undrawn():
        model = network(configure(config))
    model.load_state_dict(weights, assign=True)
    for side in (model.encoder, model.decoder):
        side.embed_positions.materialise(side.embed_tokens.weight)
    return model


class _Undrawn(TorchFunctionMode):
    """Leaves weights as they are; drawing them on the meta device imports torch's compiler, which takes a second."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func.__name__ in ("normal_", "uniform_"):
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def config_from_options(
    options: Namespace | Mapping[str, Any],
    source_vocabulary: int,
    target_vocabulary: int,
    *,
    has_length: bool,
    where: object = "model options",
) -> TransformerConfig:
    """The config for fairseq's options. Raises InputError, with `where`, for options that this engine does not support.

    has_length: whether the model predicts target lengths; such a model is fairseq's CMLM if its architecture has that
    name, otherwise a joint model.
    """

    def get(name: str, default: Any) -> Any:
        # fairseq's own Transformer stores an object with the flat names, where missing ones are None.
        value = options.get(name) if isinstance(options, Mapping) else getattr(options, name, None)
        if value is None:
            return default
        fits = default is None or (isinstance(value, _KINDS[type(default)]) and abs(_size(value)) <= _LARGEST)
        if not fits:
            what = f"model option {name} is {_shown(value)}, which no Transformer has"
            raise InputError(what, where=where, fix="give a checkpoint of a Transformer")
        return value

    arch = str(get("arch", ""))
    for name, supported in _REFUSED_OPTIONS.items():
        if get(name, supported) != supported:
            raise InputError(
                f"option {name}={get(name, None)} of {arch or 'the model'} is not supported",
                where=where,
                fix="use a post-norm Transformer",
            )

    def required(name: str) -> int:
        value = get(name, None)
        if type(value) is not int or not 1 <= value <= _LARGEST:
            what = f"model option {name} is " + ("missing" if value is None else f"{_shown(value)}, which is no size")
            raise InputError(what, where=where, fix="give a checkpoint of a Transformer")
        return value

    for side in ("encoder", "decoder"):
        width, heads = required(f"{side}_embed_dim"), required(f"{side}_attention_heads")
        if width % heads:
            raise InputError(
                f"{heads} attention heads of the {side} do not divide its width {width}",
                where=where,
                fix="give a checkpoint of a Transformer",
            )

    joint = has_length and not arch.startswith("cmlm")
    if get("share_all_embeddings", has_length):
        tied = "all"
    else:
        tied = "target" if get("share_decoder_input_output_embed", False) else "none"
    if has_length:
        length = "offset" if get("pred_length_offset", False) else "absolute"
    else:
        length = "none"
    return TransformerConfig(
        source_vocabulary=source_vocabulary,
        target_vocabulary=target_vocabulary,
        dimension=required("encoder_embed_dim"),
        encoder_layers=required("encoder_layers"),
        decoder_layers=required("decoder_layers"),
        encoder_ffn=required("encoder_ffn_embed_dim"),
        decoder_ffn=required("decoder_ffn_embed_dim"),
        encoder_heads=required("encoder_attention_heads"),
        decoder_heads=required("decoder_attention_heads"),
        source_positions=get("max_source_positions", 1024),
        target_positions=get("max_target_positions", 1024),
        dropout=get("dropout", 0.1),
        attention_dropout=get("attention_dropout", 0.0),
        activation_dropout=get("activation_dropout", 0.0),
        activation=get("activation_fn", "relu"),
        scale_embedding=not get("no_scale_embedding", False),
        layernorm_embedding=bool(get("layernorm_embedding", False)),
        positions="learned" if get("encoder_learned_pos", False) else "sinusoidal",
        tied=tied,
        length=length,
        length_classes=int(get("length_classes", 256)),
        ar_readout=get("ar_readout", "query") if joint else "content",
        query_position=get("query_position", "previous"),
        encoder_passes=int(get("encoder_passes", 1)),
        source_bos=has_length,
        start="bos" if joint else "eos",
    )
