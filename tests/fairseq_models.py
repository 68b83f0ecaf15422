"""fairseq's own models on a toy dictionary, with weights large enough that outputs differ between sentences."""

from argparse import Namespace

import torch
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY, ARCH_MODEL_REGISTRY

# It registers the models of this project.
import janus.plugin  # noqa: F401
from janus.methods.base.registry import make_method

SIZES = dict(
    encoder_layers=2,
    decoder_layers=2,
    encoder_embed_dim=32,
    decoder_embed_dim=32,
    encoder_ffn_embed_dim=48,
    decoder_ffn_embed_dim=48,
    encoder_attention_heads=4,
    decoder_attention_heads=4,
    dropout=0.0,
    share_all_embeddings=True,
    max_source_positions=64,
    max_target_positions=64,
)
# What a checkpoint of build("janus_transformer") remembers of its options.
REMEMBERED = {
    **SIZES,
    "arch": "janus_transformer",
    "encoder_learned_pos": True,
    "decoder_learned_pos": True,
    "query_position": "own",
    "activation_fn": "relu",
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
}


def dictionary(words: int = 30) -> Dictionary:
    """<s>, <pad>, </s>, <unk> and w0 …"""
    made = Dictionary()
    for i in range(words):
        made.add_symbol(f"w{i}")
    return made


def build(arch: str, seed: int = 1, size: int = 30, **options):
    """A random fairseq model in evaluation mode, and its dictionary of `size` words."""
    words = dictionary(size)
    args = Namespace(arch=arch, **{**SIZES, **options})
    ARCH_CONFIG_REGISTRY[arch](args)
    method = make_method("joint", {"losses": {"ar": 1}})
    task = Namespace(source_dictionary=words, target_dictionary=words, cfg=Namespace(data="toy"), method=method)
    torch.manual_seed(seed)
    model = ARCH_MODEL_REGISTRY[arch].build_model(args, task).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model, words


def sources(count: int, *, bos: bool, seed: int = 2) -> list[list[int]]:
    """Encoded sentences of 2 to 12 words."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, 13, (count,), generator=generator).tolist()
    return [[0] * bos + torch.randint(4, 34, (n,), generator=generator).tolist() + [2] for n in lengths]


def fairseq_sample(sentences: list[list[int]]) -> dict:
    """The batch fairseq's generators read: left-padded sources."""
    width = max(map(len, sentences))
    tokens = torch.tensor([[1] * (width - len(s)) + s for s in sentences])
    return {"net_input": {"src_tokens": tokens, "src_lengths": torch.tensor([len(s) for s in sentences])}}
