"""CTranslate2 as a rival of decoding on a processor, where it is installed (`pip install ctranslate2`)."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from janus.model.attention import Attention
from janus.model.transformer import JanusTransformer

_FRAME = ["<s>", "<pad>", "</s>", "<unk>"]


def has_ctranslate2() -> bool:
    """Whether CTranslate2 can be imported here."""
    return importlib.util.find_spec("ctranslate2") is not None


def ctranslate2_decoder(
    model: JanusTransformer, batches: list[list[list[int]]], *, words: int, beam: int, length_penalty: float = 1.0
) -> Callable[[int], Any]:
    """A function that translates batch i with CTranslate2 in float32, on as many threads as torch has.

    model: a plain post-norm Transformer with tied embeddings and sinusoidal positions. batches: encoded sentences with
    bos and eos. words: of every output, which is forced, as in the other rows of the benchmark; 0 lets it end itself.
    The function returns CTranslate2's results, whose hypotheses are lists of `symbol` names.
    """
    import ctranslate2

    with tempfile.TemporaryDirectory() as folder:
        _specification(model).save(folder)
        translator = ctranslate2.Translator(
            folder, device="cpu", compute_type="float32", inter_threads=1, intra_threads=torch.get_num_threads()
        )
    # The encoder of fairseq's AR models reads no bos; CTranslate2 adds neither.
    texts = [[[symbol(token) for token in sentence] for sentence in batch] for batch in batches]
    length = dict(min_decoding_length=words, max_decoding_length=words) if words else {}

    def translate(i: int) -> Any:
        return translator.translate_batch(texts[i], beam_size=beam, length_penalty=length_penalty, **length)

    return translate


def symbol(token: int) -> str:
    """The name of a token in CTranslate2's vocabulary."""
    return _FRAME[token] if token < len(_FRAME) else f"w{token}"


def _specification(model: JanusTransformer) -> Any:
    """The model in CTranslate2's terms."""
    from ctranslate2.specs import TransformerSpec

    config = model.config
    spec = TransformerSpec.from_config(
        (len(model.encoder.layers), len(model.decoder.layers)), config.decoder_heads, pre_norm=False
    )
    for ours, theirs in ((model.encoder, spec.encoder), (model.decoder, spec.decoder)):
        embeddings = theirs.embeddings[0] if ours is model.encoder else theirs.embeddings
        embeddings.weight = _numpy(ours.embed_tokens.weight)
        theirs.scale_embeddings = config.scale_embedding
        theirs.position_encodings.encodings = _numpy(ours.embed_positions.table[ours.embed_positions.offset :])
        for layer, other in zip(ours.layers, theirs.layer):
            _attention(layer.self_attn, other.self_attention, [["q_proj", "k_proj", "v_proj"]])
            _norm(layer.self_attn_layer_norm, other.self_attention.layer_norm)
            if ours is model.decoder:
                _attention(layer.encoder_attn, other.attention, [["q_proj"], ["k_proj", "v_proj"]])
                _norm(layer.encoder_attn_layer_norm, other.attention.layer_norm)
            _linear([layer.fc1], other.ffn.linear_0)
            _linear([layer.fc2], other.ffn.linear_1)
            _norm(layer.final_layer_norm, other.ffn.layer_norm)
    spec.decoder.projection.weight = _numpy(model.decoder.output_projection.weight)
    names = [symbol(token) for token in range(config.target_vocabulary)]
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    # fairseq's AR decoders start from eos.
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = _FRAME[0], _FRAME[2], _FRAME[3]
    spec.config.decoder_start_token = _FRAME[0] if config.start == "bos" else _FRAME[2]
    spec.validate()
    spec.optimize(quantization="float32")
    return spec


def _attention(ours: Attention, theirs: Any, groups: list[list[str]]) -> None:
    """Projections that CTranslate2 keeps together in one matrix, then the one of the output."""
    for names, linear in zip([*groups, ["out_proj"]], theirs.linear):
        _linear([getattr(ours, name) for name in names], linear)


def _linear(ours: list[torch.nn.Module], theirs: Any) -> None:
    theirs.weight = _numpy(torch.cat([layer.weight for layer in ours]))
    theirs.bias = _numpy(torch.cat([layer.bias for layer in ours]))


def _norm(ours: torch.nn.LayerNorm, theirs: Any) -> None:
    theirs.gamma, theirs.beta = _numpy(ours.weight), _numpy(ours.bias)


def _numpy(x: Tensor) -> Any:
    return x.detach().float().contiguous().numpy()
