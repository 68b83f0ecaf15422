"""The main memory and the processor threads that a training asks a cluster for, from its model and its batch."""

import math
from collections.abc import Mapping
from typing import Any

# Above the largest vocabulary of config/corpora.yaml, GPT-2's 50,265.
LARGEST_VOCABULARY = 51_200
# A BPE's vocabulary: its merges, and the letters of both languages.
_LETTERS = 2_000
# Of either side.
_POSITIONS = 1024
_MIB = 2**20
# Measured, in MiB: the job's script and the Snakemake that runs it; a process that has imported fairseq; one that uses
# CUDA besides; one that loads its batches.
_JOB, _PROCESS, _CUDA, _LOADER = 500, 600, 2_500, 500
# Main memory of each GPU's process, beside the weights.
LEAST_MEMORY = _PROCESS + _CUDA + _LOADER
# Bytes of a parameter: weight, gradient and two moments of Adam.
_STATE = 16
# Rows of the decoder for each target token, as joint training has them: AR content and query, observed, masked, gold
# and auxiliary rows, of which the last four share the places of a sentence or stand at the masked ones alone.
_ROWS = 4
# Numbers that a layer keeps for its backward pass, in widths of the model, besides two in its feed-forward width.
_ENCODER, _DECODER = 12, 18
# Scores of the vocabulary, their logarithms, and their gradient.
_SCORES = 3
# What the heap keeps beyond what is in use (janus.training.run).
_HEAP = 1.5


def parameters(model: Mapping[str, Any], vocabulary: int) -> int:
    """Parameters of a model with a shared embedding and learned positions, but for biases and norms."""
    wide, deep = model["embed_dim"], model["ffn_dim"]
    encoder, decoder = _layers(model)
    layers = encoder * (4 * wide * wide + 2 * wide * deep) + decoder * (8 * wide * wide + 2 * wide * deep)
    return layers + wide * (vocabulary + 2 * _POSITIONS + model.get("length_classes", 0))


def default_resources(
    model: Mapping[str, Any], training: Mapping[str, Any], *, device: str, vocabulary: int = LARGEST_VOCABULARY
) -> dict[str, int]:
    """`threads`, and `memory` in MiB, of one training with the blocks `model` and `training` of a tier.

    On the processor: one thread; the process, 16 bytes a parameter, and what a forward pass over `max_tokens` source
    and target tokens keeps for the backward pass. On GPUs, two threads for each, one of them for the process that loads
    its batches; weights and activations are on the card, and each process holds a checkpoint twice when it resumes.
    Assumed are joint training's four decoder rows a token and scores of the whole vocabulary, which fairseq's own
    losses compute. `tests/config/test_resources.py` compares with what trainings on a processor take.
    """
    state = _STATE * parameters(model, vocabulary) / _MIB
    if device == "cuda":
        each = LEAST_MEMORY + 2 * state
        return {"threads": 2 * training["gpus"], "memory": _rounded(_JOB + training["gpus"] * each)}
    return {"threads": 1, "memory": _rounded(_JOB + _PROCESS + state + _HEAP * _kept(model, training, vocabulary))}


def vocabulary_bound(merges: int) -> int:
    """An upper bound on the vocabulary of a BPE with `merges` operations; 0 stands for a published vocabulary."""
    return merges + _LETTERS if merges else LARGEST_VOCABULARY


def _kept(model: Mapping[str, Any], training: Mapping[str, Any], vocabulary: int) -> float:
    """MiB that a float32 forward pass keeps."""
    wide, deep = model["embed_dim"], model["ffn_dim"]
    encoder, decoder = _layers(model)
    numbers = encoder * (_ENCODER * wide + 2 * deep) + _ROWS * decoder * (_DECODER * wide + 2 * deep)
    return 4 * training["max_tokens"] * (numbers + _SCORES * vocabulary) / _MIB


def _layers(model: Mapping[str, Any]) -> tuple[int, int]:
    return model.get("encoder_layers", model["layers"]), model.get("decoder_layers", model["layers"])


def _rounded(memory: float, step: int = 100) -> int:
    return step * math.ceil(memory / step)
