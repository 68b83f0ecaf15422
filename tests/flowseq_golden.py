"""The numbers that FlowSeq's authors' code computes on a tiny model, and that model here."""

from collections.abc import Iterator

import torch
from golden_zoo import golden_shape, read_golden
from torch import Tensor

from janus.methods.base.registry import make_method
from janus.model.flow import ActNorm, BlockLinear, Coupling
from janus.model.latent import LatentTransformer
from janus.model.ragged import Source

GOLDEN = read_golden("flowseq")
OPTIONS = {"levels": 2, "steps": 1, "last_steps": 1, "flow_ffn": 16, "posterior_layers": 1, "differences": 8}
SHAPE = golden_shape(24, encoder_layers=1, decoder_layers=1, encoder_ffn=24, decoder_ffn=24, tied="none")
WORDS, FILLED = GOLDEN["tgt"].masked_fill(~GOLDEN["tgt_mask"].bool(), 1), GOLDEN["tgt_mask"].bool()

_NAMES = {
    "slf_attn.layer_norm": "self_attn_layer_norm",
    "enc_attn.layer_norm": "encoder_attn_layer_norm",
    "slf_attn": "self_attn",
    "enc_attn": "encoder_attn",
    "pos_ffn.linear1": "fc1",
    "pos_ffn.linear2": "fc2",
    "pos_ffn.layer_norm": "final_layer_norm",
    "pos_attn.layer_norm": "attention.norm",
    "pos_attn.in_proj": "attention.attention.in_proj",
    "src_proj": "source",
    "transformer": "layer",
    "net.linear.linear": "net.out",
    "mu.linear": "mean",
    "logvar.linear": "log_variance",
    "_length_predictor.ctx_proj.0": "length.first",
    "_length_predictor.ctx_proj.2": "length.second",
    "_length_predictor.diff": "length.out",
    "encoder.embed.weight": "encoder.embed_tokens.weight",
    "posterior.tgt_embed.weight": "decoder.embed_tokens.weight",
    "readout.weight": "output_projection.weight",
    "readout.bias": "output_bias",
}


def level_names(level: int, *, last: bool) -> Iterator[tuple[str, type]]:
    """The authors' names of the layers of a level with one step, in their order."""
    prefix = f"prior.flow.blocks.{level}"
    yield f"{prefix}.pos_attn.actnorm", ActNorm
    yield from ((f"{prefix}.pos_attn.coupling_{way}", Coupling) for way in ("up", "down"))
    for half in (1, 2):
        step = f"{prefix}.steps.0"
        yield f"{step}.actnorm{half}", ActNorm
        yield f"{step}.linear{half}", BlockLinear
        for part in (1, 2) if last else (1, 2, 3):
            if part > 1:
                yield f"{step}.unit{half}.actnorm{part - 1}", ActNorm
            yield from ((f"{step}.unit{half}.coupling{part}_{way}", Coupling) for way in ("up", "down"))
    if not last:
        yield f"{prefix}.prior", Coupling


def renamed(name: str) -> str:
    """The name here of a parameter of theirs; those of attentions still have their one matrix."""
    name = name.replace("core.", "")
    for level in (0, 1):
        for number, (theirs, _) in enumerate(level_names(level, last=level == 1)):
            name = name.replace(f"{theirs}.", f"prior.levels.{level}.{number}.")
    for theirs, ours in _NAMES.items():
        name = name.replace(theirs, ours)
    return name.removeprefix("prior.") if "length." in name else name


def parts_of(name: str, value: Tensor) -> dict[str, Tensor]:
    """A parameter, or gradient, of theirs under its names here; their queries, keys and values are one matrix."""
    ours = renamed(name)
    if "in_proj_" not in ours:
        return {ours: value}
    return {ours.replace("in_proj_", f"{x}_proj."): part for x, part in zip("qkv", value.chunk(3))}


def golden_flowseq() -> LatentTransformer:
    """The authors' model, in training mode; it has no dropout."""
    method = make_method("flowseq", OPTIONS)
    model = method.network(method.configure(SHAPE))
    weights = {"begun": torch.tensor(1)}
    for name, value in GOLDEN.items():
        kept = name.startswith("param.") and not name.endswith(("_float_tensor", "weight_inv", "core.embed.weight"))
        if kept and "posterior.core.tgt_embed" not in name:
            weights |= parts_of(name.removeprefix("param."), value)
    model.load_state_dict(weights)
    return model


def golden_source() -> Source:
    """The sources, which have no bos."""
    return Source.of(GOLDEN["src"].masked_fill(~GOLDEN["src_mask"].bool(), 1), 1)
