"""A made GPT-2 vocabulary and a made BART, in the files that the real ones are published in."""

import io
import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from janus.errors import InputError
from janus.fetching.manifest import Model, Vocabulary
from janus.rehearsal.mirror import Made, tar
from janus.rehearsal.text import documents

# Words that are one subword of the made vocabulary; the rest falls into letters.
_WORDS = 120
_MADE_UP = 3


def make_vocabulary(vocabulary: Vocabulary) -> Made:
    """The files of a vocabulary of kind gpt2: 256 bytes, and merges that make the commonest words whole."""
    numbers, merges = _bpe()
    contents = {
        "encoder.json": json.dumps(numbers),
        "vocab.bpe": "\n".join(["#version: 0.2", *(" ".join(merge) for merge in merges)]) + "\n",
        "dict.txt": "".join(f"{entry} 1\n" for entry in _entries(numbers)),
    }
    files = {
        download.name: content.encode()
        for download in vocabulary.downloads
        for ending, content in contents.items()
        if download.name.endswith(ending)
    }
    return Made(files)


def dictionary_size() -> int:
    """Words that a model of the made vocabulary knows: fairseq's four symbols, the dictionary and the mask."""
    return len(_entries(_bpe()[0])) + 5


def _bpe() -> tuple[dict[str, int], list[tuple[str, str]]]:
    from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

    letters = bytes_to_unicode()
    words = [word for document in documents(200, seed="gpt2") for line in document for word in line.split()]
    common = sorted(set(words), key=lambda word: (-words.count(word), word))[:_WORDS]
    merges: dict[tuple[str, str], None] = {}
    for word in common:
        symbols = [letters[byte] for byte in f" {word}".encode()]
        whole = symbols[0]
        for symbol in symbols[1:]:
            merges[whole, symbol] = None
            whole += symbol
    names = [*letters.values(), *dict.fromkeys("".join(merge) for merge in merges)]
    return {name: number for number, name in enumerate(names)}, list(merges)


def _entries(numbers: Mapping[str, int]) -> list[str]:
    return [*map(str, numbers.values()), *(f"madeupword{number:04d}" for number in range(_MADE_UP))]


def make_model(model: Model, sizes: Mapping[str, Any]) -> Made:
    """The files of a published BART of the `sizes` that a tier's block `model` gives, with fresh weights."""
    import torch

    from janus.model.checkpoints import config_from_options
    from janus.model.transformer import JanusTransformer

    options = _options(sizes)
    # Rows that no dictionary names stand between the words and the mask, as in the published file.
    words = dictionary_size() + 8
    torch.manual_seed(1)
    core = JanusTransformer(config_from_options(options, words, words, has_length=False))
    core.initialise(bert=True)
    if model.format == "huggingface":
        return Made(_hugging_face(model, options, core.state_dict()))
    stream = io.BytesIO()
    state = {"args": options, "model": core.state_dict(), "optimizer_history": [], "extra_state": {}}
    torch.save(state | {"last_optimizer_state": None}, stream)
    archive = tar({model.member: stream.getvalue(), f"{model.member.rpartition('/')[0]}/NOTE": "made\n"}, "gz")
    return Made({model.downloads[0].name: archive})


def _options(sizes: Mapping[str, Any]) -> Namespace:
    from fairseq.models import ARCH_CONFIG_REGISTRY

    options = Namespace(arch="bart_base", task="denoising", criterion="cross_entropy")
    for side in ("encoder", "decoder"):
        names = {"layers": "layers", "embed_dim": "embed_dim", "ffn_embed_dim": "ffn_dim", "attention_heads": "heads"}
        for theirs, ours in names.items():
            setattr(options, f"{side}_{theirs}", sizes[ours])
    ARCH_CONFIG_REGISTRY["bart_base"](options)
    return options


def _hugging_face(model: Model, options: Namespace, weights: Mapping[str, Any]) -> dict[str, bytes]:
    from safetensors.torch import save

    tied = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight")
    stored = {f"model.{name}": tensor.contiguous() for name, tensor in weights.items() if name not in tied}
    stored["model.shared.weight"] = weights[tied[0]].contiguous()
    config = {
        "model_type": "bart",
        "d_model": options.encoder_embed_dim,
        "activation_function": "gelu",
        "max_position_embeddings": options.max_source_positions,
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "activation_dropout": 0.1,
        "scale_embedding": False,
        "vocab_size": stored["model.shared.weight"].size(0),
    }
    for side in ("encoder", "decoder"):
        config[f"{side}_layers"] = getattr(options, f"{side}_layers")
        config[f"{side}_ffn_dim"] = getattr(options, f"{side}_ffn_embed_dim")
        config[f"{side}_attention_heads"] = getattr(options, f"{side}_attention_heads")
    contents = {"config.json": json.dumps(config).encode(), "model.safetensors": save(stored)}
    files = {
        download.name: content
        for download in model.downloads
        for ending, content in contents.items()
        if download.name.endswith(ending)
    }
    if len(files) != len(model.downloads):
        raise InputError(
            "a download is neither config.json nor model.safetensors",
            where=f"model {model.name}",
            fix="name the two files of a Hugging Face folder",
        )
    return files
