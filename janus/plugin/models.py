"""The core model under fairseq's registry, and fairseq's own models as the core sees them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from fairseq.models import BaseFairseqModel, register_model, register_model_architecture

from janus.errors import InputError
from janus.model.bart import start_from
from janus.model.checkpoints import build_model, config_from_options
from janus.model.transformer import JanusTransformer


@register_model("janus_transformer")
class JanusModel(JanusTransformer, BaseFairseqModel):
    """`--arch janus_transformer`: one Transformer for AR and NAR decoding, as the task's method builds it."""

    @staticmethod
    def add_args(parser: ArgumentParser) -> None:
        """Options of the model; sizes default to the architecture's."""
        for side in ("encoder", "decoder"):
            parser.add_argument(f"--{side}-layers", type=int, metavar="N")
            parser.add_argument(f"--{side}-embed-dim", type=int, metavar="N")
            parser.add_argument(f"--{side}-ffn-embed-dim", type=int, metavar="N")
            parser.add_argument(f"--{side}-attention-heads", type=int, metavar="N")
        for name in ("dropout", "attention-dropout", "activation-dropout"):
            parser.add_argument(f"--{name}", type=float, metavar="P")
        parser.add_argument("--activation-fn", choices=["relu", "gelu"])
        parser.add_argument(
            "--apply-bert-init",
            action="store_true",
            help="draw all weights from N(0, 0.02), as the release does, instead of scaling them with the width",
        )
        parser.add_argument(
            "--init-from",
            metavar="PATH",
            help="start from a BART (fairseq's model.pt, a Hugging Face folder) or from a checkpoint of joint training",
        )
        parser.add_argument("--layernorm-embedding", action="store_true", help="normalise the embeddings, as BART does")
        parser.add_argument("--no-scale-embedding", action="store_true", help="do not scale word vectors, as in BART")
        parser.add_argument(
            "--share-all-embeddings",
            action="store_true",
            default=True,
            help="always on: source, target and output share one table, which needs a joined dictionary",
        )
        parser.add_argument(
            "--length-classes", type=int, metavar="N", help="target lengths that can be predicted: 0 to N - 1"
        )

    @classmethod
    def build_model(cls, args: Namespace, task) -> JanusModel:
        """A new network of the task's method, for its dictionaries, which must be one joint dictionary."""
        joint_architecture(args)
        if task.source_dictionary != task.target_dictionary:
            raise InputError(
                "source and target dictionaries differ", where=task.cfg.data, fix="binarise with --joined-dictionary"
            )
        sizes = len(task.source_dictionary), len(task.target_dictionary)
        config = task.method.configure(config_from_options(args, *sizes, has_length=True))
        model = _with_interface(task.method.network)(config)
        model.initialise(bert=getattr(args, "apply_bert_init", False))
        if getattr(args, "init_from", None):
            last = task.source_dictionary[len(task.source_dictionary) - 1]
            start_from(model, Path(args.init_from), mask_last=last == "<mask>")
        return model

    def max_positions(self) -> tuple[int, int]:
        """Longest source and target, in tokens."""
        return self.config.source_positions, self.config.target_positions

    def max_decoder_positions(self) -> int:
        """Longest target, in tokens."""
        return self.config.target_positions


@cache
def _with_interface(network: type[JanusTransformer]) -> type[JanusModel]:
    """A method's network with the interface of fairseq's models; `JanusModel` itself for the plain one."""
    if network is JanusTransformer:
        return JanusModel
    return type(f"Fairseq{network.__name__}", (network, JanusModel), {})


# The addresses of a model's tensors, by name: a core built from other tensors is out of date.
_Places = dict[str, tuple[int, torch.dtype, torch.device, torch.Size]]
_CORES: WeakKeyDictionary[torch.nn.Module, tuple[_Places, JanusTransformer]] = WeakKeyDictionary()


def core_of(model: torch.nn.Module) -> JanusTransformer:
    """The core model behind a fairseq model: itself, or one that shares the weights of fairseq's Transformer or CMLM.

    It is cached, and rebuilt if the model was cast, moved or given other tensors, so that decoding always uses the
    current weights. Raises InputError if fairseq's model has parts that this engine does not support.
    """
    module = getattr(model, "module", model)
    if isinstance(module, JanusTransformer):
        return module
    weights = module.state_dict()
    # A core keeps its tensors alive, so that no other tensor can have the same address.
    places = {name: (x.data_ptr(), x.dtype, x.device, x.shape) for name, x in weights.items()}
    if module not in _CORES or _CORES[module][0] != places:
        options = module.args if hasattr(module, "args") else module.cfg
        _CORES[module] = places, build_model(options, weights)
    return _CORES[module][1].eval()


@register_model_architecture("janus_transformer", "janus_transformer")
def joint_architecture(args: Namespace) -> None:
    """Transformer base (section 4.2, WMT): 6 + 6 layers, width 512, 2,048 inside, 8 heads, learned positions."""
    defaults = dict(layers=6, embed_dim=512, ffn_embed_dim=2048, attention_heads=8)
    for side in ("encoder", "decoder"):
        for name, value in defaults.items():
            _default(args, f"{side}_{name}", value)
        _default(args, f"{side}_learned_pos", True)
    _default(args, "dropout", 0.1)
    _default(args, "attention_dropout", 0.0)
    _default(args, "activation_dropout", 0.0)
    _default(args, "activation_fn", "relu")
    _default(args, "share_all_embeddings", True)
    _default(args, "length_classes", 256)


@register_model_architecture("janus_transformer", "janus_bart_base")
def joint_architecture_bart(args: Namespace) -> None:
    """The shape and options of BART-base (section 4.2): 6 + 6 layers, width 768, dropout and attention dropout 0.1."""
    for side in ("encoder", "decoder"):
        _default(args, f"{side}_embed_dim", 768)
        _default(args, f"{side}_ffn_embed_dim", 3072)
        _default(args, f"{side}_attention_heads", 12)
    _default(args, "attention_dropout", 0.1)
    _default(args, "activation_fn", "gelu")
    args.layernorm_embedding = args.no_scale_embedding = True
    joint_architecture(args)


@register_model_architecture("janus_transformer", "janus_transformer_iwslt_de_en")
def joint_architecture_iwslt(args: Namespace) -> None:
    """The IWSLT14 shape (section 4.2): as base, with 1,024 inside and 4 heads."""
    for side in ("encoder", "decoder"):
        _default(args, f"{side}_ffn_embed_dim", 1024)
        _default(args, f"{side}_attention_heads", 4)
    joint_architecture(args)


@register_model_architecture("janus_transformer", "janus_transformer_wmt_en_de")
def joint_architecture_wmt(args: Namespace) -> None:
    """Another name of the base shape, as in fairseq's Transformer."""
    joint_architecture(args)


def _default(args: Namespace, name: str, value: object) -> None:
    if getattr(args, name, None) is None:
        setattr(args, name, value)
