"""The numbers of the peers' own code (`tests/golden/*.npz`) and tiny models with their weights."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from janus.methods.base.batch import Symbols
from janus.methods.base.method import Method
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer

SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)


def read_golden(name: str) -> dict[str, torch.Tensor]:
    """The arrays of a file, integers as long."""
    arrays = np.load(Path(__file__).parent / "golden" / f"{name}.npz")
    return {key: torch.from_numpy(x.astype(np.int64) if x.dtype == np.int32 else x) for key, x in arrays.items()}


def golden_shape(words: int, **others) -> TransformerConfig:
    """The shape of the golden models."""
    sizes = {f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in _SIZES.items()}
    shape = TransformerConfig(
        words, words, dimension=16, dropout=0.0, **sizes, source_positions=64, target_positions=64
    )
    return replace(shape, **others)


_SIZES = {"layers": 2, "ffn": 32, "heads": 2}


def golden_model(method: Method, shape: TransformerConfig, golden: Mapping[str, torch.Tensor]) -> JanusTransformer:
    """A method's network with the weights of a golden file; its canvas has the golden file's positions."""
    weights = {name.removeprefix("param."): x for name, x in golden.items() if name.startswith("param.")}
    shared = weights["encoder.embed_tokens.weight"]
    weights |= {"decoder.embed_tokens.weight": shared, "decoder.output_projection.weight": shared}
    config = replace(method.configure(shape), target_positions=shape.target_positions)
    model = method.network(config)
    if config.length == "none":
        weights.pop("decoder.embed_length.weight", None)
    # Predictions between layers have weights of their own, which a model without them does not take.
    model.load_state_dict({name: x for name, x in weights.items() if name in model.state_dict()})
    return model


def close(ours: torch.Tensor, theirs: torch.Tensor, **tolerance: float) -> None:
    """Equal within 1e-5 relative and 2e-5 absolute, unless said otherwise."""
    torch.testing.assert_close(ours, theirs, **{"rtol": 1e-5, "atol": 2e-5, **tolerance})


def check_gradients(model: JanusTransformer, golden: Mapping[str, torch.Tensor], prefix: str, number: int) -> None:
    """The model's gradients equal all `number` ones of the file under the prefix."""
    weights = dict(model.named_parameters())
    names = [name for name in golden if name.startswith(prefix)]
    assert len(names) == number
    for name in names:
        close(weights[name.removeprefix(prefix)].grad, golden[name], rtol=1e-4, atol=1e-6)
