"""Weights of any precision, on any device: what is computed beside them follows them, through every change of them."""

from argparse import Namespace

import pytest
import torch
from fairseq.models import ARCH_CONFIG_REGISTRY
from fairseq.modules import SinusoidalPositionalEmbedding
from fairseq_models import SIZES, build, sources

from janus.decoding.decoding import Decoding
from janus.decoding.driver import best_hypotheses
from janus.methods.base.loading import load_model
from janus.model.checkpoints import build_model
from janus.plugin.models import core_of

# What has learned positions has no table; fairseq's Transformer and CMLM have one in each half of the model.
MANNERS = {"transformer": ["ar"], "cmlm_transformer": ["nar"], "bart_base": ["ar"], "janus_transformer": ["ar", "nar"]}
OPTIONS = {"janus_transformer": {"length_classes": 20}}
WITH_TABLES = ["transformer", "cmlm_transformer"]


def built(arch):
    return build(arch, **OPTIONS.get(arch, {}))[0]


def options_of(arch):
    options = Namespace(**{**SIZES, **OPTIONS.get(arch, {}), "arch": arch})
    ARCH_CONFIG_REGISTRY[arch](options)
    return options


def decoded(core, arch, manner):
    settings = {"ar": {"max_len_b": 8}, "nar": {"passes": 3, "length_beam": 2}}[manner]
    bos = arch in ("cmlm_transformer", "janus_transformer")
    return [
        hypothesis.tokens.tolist()
        for hypothesis in best_hypotheses(core, sources(4, bos=bos), Decoding.of(manner=manner, **settings), "cpu")
    ]


def tables(core):
    return [side.embed_positions.table for side in (core.encoder, core.decoder)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("arch", WITH_TABLES)
def test_position_tables_have_the_type_and_the_device_of_the_weights(arch, device, dtype):
    weights = {name: tensor.to(device, dtype) for name, tensor in built(arch).state_dict().items()}
    core = build_model(options_of(arch), weights)
    assert [(table.dtype, table.device.type) for table in tables(core)] == [(dtype, device)] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_position_tables_hold_the_numbers_of_fairseqs(dtype):
    theirs = SinusoidalPositionalEmbedding.get_embedding(66, 32).to(dtype)
    weights = {name: tensor.to(dtype) for name, tensor in built("transformer").state_dict().items()}
    for table in tables(build_model(options_of("transformer"), weights)):
        torch.testing.assert_close(table, theirs, rtol=0, atol=1e-3 if dtype == torch.float16 else 1e-5)


@pytest.mark.parametrize("cast", ["half", "bfloat16", "float", "double"])
@pytest.mark.parametrize("arch", MANNERS)
def test_weights_of_any_precision_decode(arch, cast):
    core = core_of(getattr(built(arch), cast)())
    for manner in MANNERS[arch]:
        outputs = decoded(core, arch, manner)
        assert len(outputs) == 4 and all(len(tokens) > 1 for tokens in outputs)


@pytest.mark.parametrize("arch", MANNERS)
def test_a_half_precision_checkpoint_is_taken_up_to_float32_on_a_processor(arch, tmp_path):
    half = built(arch).half()
    task = {"_name": "janus", "method": "joint", "method_options": "{losses: {ar: 1}}"} if "janus" in arch else {}
    state = {"args": options_of(arch), "cfg": {"task": task}, "model": half.state_dict()}
    torch.save(state, tmp_path / "half.pt")
    core = load_model(tmp_path / "half.pt")
    assert {tensor.dtype for tensor in (*core.parameters(), *core.buffers())} == {torch.float32}
    same = core_of(half.float())
    for manner in MANNERS[arch]:
        assert decoded(core, arch, manner) == decoded(same, arch, manner)


# Between two validations fairseq may cast a model, move it, put other tensors in it, or only update what is there.
CHANGES = {
    "cast to half precision": lambda model: model.half(),
    "cast there and back": lambda model: model.half().float(),
    "moved": lambda model: model.to("meta").to_empty(device="cpu").apply(_fill),
    "another tensor behind a weight": lambda model: _replace_data(model),
    "another parameter in a weight's place": lambda model: _replace_parameter(model),
    "another state loaded": lambda model: model.load_state_dict(build("transformer", seed=9)[0].state_dict()),
    "another state put in": lambda model: torch.nn.Module.load_state_dict(
        model, build("transformer", seed=9)[0].state_dict(), assign=True
    ),
}


def _fill(module):
    for tensor in module.parameters(recurse=False):
        torch.nn.init.uniform_(tensor, -0.3, 0.3)


def _replace_data(model):
    model.encoder.layers[0].fc1.weight.data = torch.full_like(model.encoder.layers[0].fc1.weight, 0.25)


def _replace_parameter(model):
    model.decoder.layers[1].fc2.weight = torch.nn.Parameter(torch.full_like(model.decoder.layers[1].fc2.weight, 0.5))


@pytest.mark.parametrize("change", CHANGES)
def test_a_core_made_before_a_change_of_the_weights_is_the_weights_of_after(change):
    model = built("transformer")
    before = {name: tensor.clone() for name, tensor in core_of(model).state_dict().items()}
    CHANGES[change](model)
    core = core_of(model)
    live = {name: tensor for name, tensor in model.state_dict().items() if name in before}
    assert live.keys() == before.keys()
    for name, tensor in core.state_dict().items():
        assert tensor.data_ptr() == live[name].data_ptr() and torch.equal(tensor, live[name]), name
    assert {table.dtype for table in tables(core)} == {model.encoder.embed_tokens.weight.dtype}
    fresh = build_model(options_of("transformer"), model.state_dict()).eval()
    assert decoded(core, "transformer", "ar") == decoded(fresh, "transformer", "ar")


def test_a_core_is_made_once_as_long_as_the_weights_stay_where_they_are():
    model = built("transformer")
    core = core_of(model)
    with torch.no_grad():
        model.encoder.layers[0].fc1.weight.add_(1.0)
    assert core_of(model) is core
