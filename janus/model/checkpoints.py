"""Checkpoints of fairseq, of the authors' release and of this suite: reading, understanding, averaging.

They are all fairseq's format: a pickle of tensors, options (argparse.Namespace) and plain values. It is read with
torch's safe loader, which executes nothing; the Namespace is the one class allowed besides torch's own.
"""

from __future__ import annotations

import pickle
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from janus.errors import InputError
from janus.files import atomic_path
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer

_REFUSED_OPTIONS = {
    "encoder_normalize_before": False,
    "decoder_normalize_before": False,
    "no_token_positional_embeddings": False,
    "src_embedding_copy": False,
    "adaptive_softmax_cutoff": None,
    "cross_self_attention": False,
}
_IGNORED_ENTRIES = ("version", "_float_tensor", "embed_positions.weights")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a fairseq checkpoint, on the CPU.

    Raises InputError where the file is missing, is no checkpoint, or would execute code.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such checkpoint", where=path, mend="train first, or correct the path")
    try:
        with torch.serialization.safe_globals([Namespace]):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        mend = "restore it or train again"
        raise InputError(f"not a readable checkpoint ({reason})", where=path, mend=mend) from error
    if not isinstance(state, dict) or "model" not in state:
        raise InputError("holds no model", where=path, mend="give a checkpoint written by fairseq-train")
    return state


def load_model(path: Path, device: str = "cpu") -> JanusTransformer:
    """The model of a checkpoint, ready to decode (no dropout), whichever of the three families it is."""
    state = read_checkpoint(path)
    options = options_of(state, path)
    try:
        return build_model(options, state["model"]).to(device).eval()
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit the options ({reason})", where=path, mend="restore the file") from error


def options_of(state: Mapping[str, Any], path: Path) -> Namespace | Mapping[str, Any]:
    """fairseq's model options in a checkpoint's content, where its old and its new versions keep them."""
    options = state.get("args") or (state.get("cfg") or {}).get("model")
    if options is None:
        raise InputError("holds no model options", where=path, mend="give a checkpoint written by fairseq-train")
    return options


def build_model(options: Namespace | Mapping[str, Any], weights: Mapping[str, Tensor]) -> JanusTransformer:
    """A model that shares the given weights (no copy), described by fairseq's options."""
    weights = {k: v for k, v in weights.items() if not k.endswith(_IGNORED_ENTRIES)}
    sizes = [weights[f"{side}.embed_tokens.weight"].size(0) for side in ("encoder", "decoder")]
    # The release's architectures have names of its own; a length table tells them from a plain Transformer.
    lengths = weights.get("decoder.embed_length.weight")
    config = config_from_options(options, *sizes, has_length=lengths is not None)
    if lengths is not None:
        config = replace(config, length_classes=lengths.size(0))
    with torch.device("meta"):
        model = JanusTransformer(config)
    model.load_state_dict(weights, assign=True)
    for side in (model.encoder, model.decoder):
        side.embed_positions.materialise()
    return model


def config_from_options(
    options: Namespace | Mapping[str, Any], source_vocabulary: int, target_vocabulary: int, *, has_length: bool
) -> TransformerConfig:
    """What fairseq's options mean. Raises InputError for an architecture this engine does not compute.

    has_length: whether the model predicts target lengths; one that does is fairseq's CMLM by the name of its
    architecture, or else a joint model.
    """

    def get(name: str, default: Any) -> Any:
        # fairseq's own Transformer keeps an object that answers to the flat names, with None for those it lacks.
        value = options.get(name) if isinstance(options, Mapping) else getattr(options, name, None)
        return default if value is None else value

    arch = str(get("arch", ""))
    for name, supported in _REFUSED_OPTIONS.items():
        if get(name, supported) != supported:
            raise InputError(
                f"option {name}={get(name, None)} is not supported", where=arch, mend="use a post-norm Transformer"
            )

    def required(name: str) -> int:
        value = get(name, None)
        if value is None:
            raise InputError(f"model option {name} is missing", where=arch, mend="give a checkpoint of a Transformer")
        return int(value)

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
        ar_readout="query" if joint else "content",
        query_position=get("query_position", "previous"),
        encoder_passes=int(get("encoder_passes", 1)),
        source_bos=has_length,
        start="bos" if joint else "eos",
    )


def average_checkpoints(paths: Sequence[Path], output: Path) -> None:
    """Write a checkpoint whose weights are the mean of those given (section 4.2 averages five).

    Options and everything else come from the last path. Raises InputError where the weights do not match.
    """
    if not paths:
        raise InputError("no checkpoints to average", where=output, mend="train first")
    state = read_checkpoint(paths[-1])
    total = {name: tensor.double() for name, tensor in state["model"].items()}
    for path in paths[:-1]:
        other = read_checkpoint(path)["model"]
        if other.keys() != total.keys():
            raise InputError("another architecture than the rest", where=path, mend="average checkpoints of one run")
        for name, tensor in other.items():
            total[name] += tensor
    kinds = {name: tensor.dtype for name, tensor in state["model"].items()}
    state["model"] = {name: (tensor / len(paths)).to(kinds[name]) for name, tensor in total.items()}
    # Large, and of no use to a mean. The short history of the optimiser stays: fairseq starts from no file without one.
    state["last_optimizer_state"] = None
    with atomic_path(output) as partial:
        torch.save(state, partial)
