"""Checkpoints: fairseq's models compute the same here; averages are means; nothing a file holds is executed."""

import copy
import datetime
import os
import pickle
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace

import numpy
import pytest
import torch
from fairseq.models import ARCH_CONFIG_REGISTRY
from fairseq_models import SIZES, build, fairseq_sample, sources

from janus.decoding.vocabulary import make_source, pad_batch
from janus.errors import InputError
from janus.methods.base.loading import load_model
from janus.model.averaging import average_checkpoints
from janus.model.checkpoints import config_from_options, read_checkpoint
from janus.model.config import TransformerConfig
from janus.model.streams import pack_canvas, pack_streams
from janus.model.transformer import JanusTransformer
from janus.plugin.models import core_of


# fairseq's own attention mixes mask types.
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
def test_fairseqs_transformer_gives_the_same_logits():
    model, _ = build("transformer")
    core, sentences = core_of(model), sources(7, bos=False)
    net = fairseq_sample(sentences)["net_input"]
    target = pad_batch([[2, *s] for s in sources(7, bos=False, seed=5)])
    inputs = target[:, :-1].masked_fill(target[:, 1:].eq(1), 1)
    theirs = model(net["src_tokens"], net["src_lengths"], inputs)[0][inputs.ne(1)]
    streams = pack_streams(target, torch.zeros_like(target, dtype=torch.bool), pad=1, mask=3, nar=False, aux=False)
    memory, _ = core.encode(make_source(sentences, "cpu"))
    content = torch.arange(streams.content)
    ours = core.project(core.decoder(streams, memory, content))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_fairseqs_cmlm_gives_the_same_logits_and_lengths():
    model, _ = build("cmlm_transformer")
    core, sentences = core_of(model), sources(7, bos=True)
    net = fairseq_sample(sentences)["net_input"]
    canvas = pad_batch([[0, 3, *s, 3, 2] for s in sources(7, bos=False, seed=5)])
    their_source = model.encoder(net["src_tokens"], src_lengths=net["src_lengths"])
    theirs = model.decoder(normalize=False, prev_output_tokens=canvas, encoder_out=their_source)
    memory, encoded = core.encode(source := make_source(sentences, "cpu"))
    streams = pack_canvas(canvas, torch.arange(7), pad=1, mask=3)
    ours = core.project(core.decoder(streams, memory, streams.read["nar"].rows))
    torch.testing.assert_close(ours, theirs[canvas.eq(3)], rtol=1e-4, atol=1e-4)
    lengths = core.decoder.forward_length(encoded, source.layout)
    their_lengths = model.decoder.forward_length(normalize=False, encoder_out=their_source)
    torch.testing.assert_close(lengths, their_lengths, rtol=1e-4, atol=1e-4)


def test_weights_are_shared_not_copied():
    model, _ = build("transformer")
    core = core_of(model)
    with torch.no_grad():
        model.encoder.layers[0].fc1.weight.fill_(7.0)
    assert core.encoder.layers[0].fc1.weight.eq(7.0).all()


def save(path, value: float, **extra):
    model, _ = build("janus_transformer")
    weights = {name: torch.full_like(tensor, value) for name, tensor in model.state_dict().items()}
    torch.save({"cfg": {"model": {}}, "model": weights, "last_optimizer_state": {"big": 1}, **extra}, path)


def test_average_is_the_mean_of_the_weights(tmp_path):
    paths = [tmp_path / f"{i}.pt" for i in range(3)]
    for value, path in zip((1.0, 2.0, 6.0), paths):
        save(path, value)
    average_checkpoints(paths, tmp_path / "average.pt")
    state = read_checkpoint(tmp_path / "average.pt")
    assert all(torch.equal(tensor, torch.full_like(tensor, 3.0)) for tensor in state["model"].values())
    # The large state is gone, its key stays: fairseq refuses to start from a file without it.
    assert state["last_optimizer_state"] is None


@pytest.mark.parametrize("broken", [0, 1, 2])
@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_average_names_the_file_whose_weights_are_no_numbers(tmp_path, broken, value):
    paths = [tmp_path / f"{i}.pt" for i in range(3)]
    for path in paths:
        save(path, 1.0)
    state = torch.load(paths[broken])
    state["model"]["encoder.layers.0.fc1.weight"][2, 5] = value
    torch.save(state, paths[broken])
    with pytest.raises(InputError, match=rf"/{broken}\.pt: its weights are not numbers .encoder.layers.0.fc1.weight"):
        average_checkpoints(paths, tmp_path / "average.pt")
    assert not (tmp_path / "average.pt").exists()


def test_average_refuses_another_architecture(tmp_path):
    save(tmp_path / "a.pt", 1.0)
    state = torch.load(tmp_path / "a.pt")
    other = copy.copy(state)
    other["model"] = dict(list(state["model"].items())[1:])
    torch.save(other, tmp_path / "b.pt")
    with pytest.raises(InputError, match="b.pt: its architecture differs"):
        average_checkpoints([tmp_path / "b.pt", tmp_path / "a.pt"], tmp_path / "average.pt")
    assert not (tmp_path / "average.pt").exists()


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "was-here"), "w"))

    with open(tmp_path / "evil.pt", "wb") as stream:
        pickle.dump({"model": Payload()}, stream, protocol=2)
    torch.save({"model": Payload()}, tmp_path / "evil2.pt")
    for name in ("evil.pt", "evil2.pt"):
        with pytest.raises(InputError, match="not a readable checkpoint"):
            read_checkpoint(tmp_path / name)
    assert not (tmp_path / "was-here").exists()


class Call:
    """What a pickle can do: call a function when it is read."""

    def __init__(self, function, *words):
        self.how = (function, words)

    def __reduce__(self):
        return self.how


class Foreign:
    """A class of someone's own library."""


@pytest.mark.parametrize(
    ("thing", "named"),
    [
        (Foreign(), f"{__name__}.Foreign"),
        (datetime.datetime(2020, 1, 1), "datetime.datetime"),
        # A function of a module that torch blocks is reported in other words.
        (Call(os.system, "true"), f"{os.system.__module__}.system"),
        (numpy.float64(1), "numpy._core.multiarray.scalar"),
    ],
    ids=["class", "datetime", "blocked", "numpy"],
)
def test_the_class_that_was_refused_is_named_and_what_to_do(thing, named, tmp_path):
    torch.save({"model": {}, "extra": thing}, tmp_path / "x.pt")
    with pytest.raises(InputError) as caught:
        read_checkpoint(tmp_path / "x.pt")
    message = str(caught.value)
    assert f"not a readable checkpoint (it holds an object of {named}, and only tensors" in message
    assert message.endswith("; save it again without that object, or give another file")
    assert "\n" not in message and "weights_only" not in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no file of torch: EOFError"),
        (b"<html>", "Unsupported operand 60"),
        (pickle.dumps(1, protocol=4), "Invalid magic number; corrupt file."),
    ],
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_file_that_is_no_checkpoint_says_why(content, reason, tmp_path):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(InputError, match=rf"not a readable checkpoint \({reason}\); restore it or train again"):
        read_checkpoint(tmp_path / "x.pt")


def test_an_activation_that_no_model_here_has_is_refused():
    sizes = {f"{side}_{size}": 4 for side in ("encoder", "decoder") for size in ("embed_dim", "ffn_embed_dim")}
    heads = {f"{side}_{size}": 1 for side in ("encoder", "decoder") for size in ("layers", "attention_heads")}
    options = {"arch": "transformer", "activation_fn": "swish", **sizes, **heads}
    with pytest.raises(InputError, match="activation_fn is 'swish', which is not supported; give a model with one of"):
        JanusTransformer(config_from_options(options, 8, 8, has_length=False))


@pytest.mark.parametrize("option", [{"encoder_normalize_before": True}, {"cross_self_attention": True}])
def test_what_the_engine_does_not_compute_is_refused(option):
    with pytest.raises(InputError, match="is not supported"):
        config_from_options({"arch": "transformer", **option}, 9, 9, has_length=False)


def test_a_missing_size_is_not_guessed():
    with pytest.raises(InputError, match="encoder_embed_dim is missing"):
        config_from_options({"arch": "transformer"}, 9, 9, has_length=False)


REQUIRED = {
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in (("embed_dim", 512), ("layers", 6), ("ffn_embed_dim", 1024), ("attention_heads", 4))
}


@pytest.mark.parametrize("has_length", [False, True])
def test_what_a_checkpoint_does_not_say_is_fairseqs_default(has_length):
    """Old checkpoints and the release's name few options: the rest is what fairseq's parser would have put there."""
    words = Namespace(arch="transformer", **REQUIRED)
    ARCH_CONFIG_REGISTRY["transformer"](words)
    filled = vars(words) | {"share_all_embeddings": has_length, "max_source_positions": 1024}
    filled |= {"max_target_positions": 1024}
    few = config_from_options(REQUIRED, 9, 9, has_length=has_length)
    assert few == config_from_options(filled, 9, 9, has_length=has_length)


def test_defaults_of_a_model_are_the_shape_of_iwslt():
    """fairseq's transformer_iwslt_de_en, with what the release adds: learned positions, lengths, tied tables."""
    words = Namespace(arch="transformer_iwslt_de_en", encoder_learned_pos=True, query_position="own")
    ARCH_CONFIG_REGISTRY["transformer_iwslt_de_en"](words)
    assert config_from_options(words, 9, 9, has_length=True) == replace(
        TransformerConfig(9, 9), tied="none", length="absolute"
    )
    words.share_all_embeddings = True
    assert config_from_options(words, 9, 9, has_length=True) == TransformerConfig(9, 9)


@pytest.mark.parametrize(
    ("options", "has_length", "expected"),
    [
        ({}, False, dict(tied="none", length="none", ar_readout="content", source_bos=False, start="eos")),
        ({}, True, dict(tied="all", length="absolute", ar_readout="query", source_bos=True, start="bos")),
        ({"ar_readout": "content"}, True, dict(ar_readout="content", source_bos=True, start="bos")),
        ({"arch": "cmlm_transformer"}, True, dict(ar_readout="content", source_bos=True, start="eos")),
        ({"share_decoder_input_output_embed": True}, False, dict(tied="target")),
        ({"share_all_embeddings": False}, True, dict(tied="none")),
        ({"pred_length_offset": True}, True, dict(length="offset")),
        ({"pred_length_offset": True}, False, dict(length="none")),
        ({"no_scale_embedding": True}, False, dict(scale_embedding=False)),
        ({"encoder_learned_pos": True, "layernorm_embedding": True}, False, dict(positions="learned")),
        ({"query_position": "own", "encoder_passes": 2}, True, dict(query_position="own", encoder_passes=2)),
        ({"length_classes": 77, "max_source_positions": 5, "max_target_positions": 6}, True, dict(length_classes=77)),
        ({"dropout": 0.3, "attention_dropout": 0.2, "activation_dropout": 0.05}, False, dict(dropout=0.3)),
    ],
)
def test_an_option_says_one_thing(options, has_length, expected):
    config = config_from_options(REQUIRED | options, 7, 9, has_length=has_length)
    assert {name: getattr(config, name) for name in expected} == expected
    assert (config.source_vocabulary, config.target_vocabulary) == (7, 9)
    if "max_source_positions" in options:
        assert (config.source_positions, config.target_positions) == (5, 6)
    if "attention_dropout" in options:
        assert (config.attention_dropout, config.activation_dropout) == (0.2, 0.05)


def test_an_average_is_exact_and_keeps_the_kind_of_its_weights(tmp_path):
    """Sums in double precision: 2^-12 beside 1 is lost in half precision, and counted here."""
    half = [torch.tensor([1.0, 2048.0]), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 1.0])]
    for i, tensor in enumerate(half):
        state = {"a": tensor.half(), "b": torch.tensor([i + 0.5])}
        torch.save({"cfg": {"model": {"of": i}}, "model": state}, tmp_path / f"{i}.pt")
    average_checkpoints([tmp_path / f"{i}.pt" for i in range(3)], tmp_path / "average.pt")
    state = read_checkpoint(tmp_path / "average.pt")
    assert state["model"]["a"].dtype == torch.float16 and state["model"]["b"].dtype == torch.float32
    torch.testing.assert_close(state["model"]["a"], torch.tensor([1.0, 2050 / 3]).half(), rtol=0, atol=0)
    assert state["model"]["b"].tolist() == [1.5] and state["cfg"]["model"] == {"of": 2}, "options are the last one's"


def test_nothing_to_average_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no checkpoints to average"):
        average_checkpoints([], tmp_path / "average.pt")


def altered(tmp_path, options=(), **weights):
    """A checkpoint of fairseq's Transformer with other options, and with other weights or, where None, without them."""
    model, args = build("transformer")
    state = {name: tensor for name, tensor in (model.state_dict() | weights).items() if tensor is not None}
    torch.save(
        {"args": Namespace(**{**SIZES, "arch": "transformer", **dict(options)}), "model": state}, tmp_path / "x.pt"
    )
    return tmp_path / "x.pt"


@pytest.mark.parametrize(
    ("options", "weights", "said"),
    [
        ({"encoder_attention_heads": 3}, {}, "3 attention heads of the encoder do not divide its width 32"),
        ({"decoder_attention_heads": 0}, {}, "model option decoder_attention_heads is 0, which is no size"),
        ({"encoder_layers": "many"}, {}, "model option encoder_layers is 'many', which is no size"),
        ({"encoder_layers": None}, {}, "model option encoder_layers is missing"),
        ({}, {"encoder.embed_tokens.weight": None}, "has no word embeddings"),
        ({}, {"decoder.embed_tokens.weight": torch.tensor(1.0)}, "has no word embeddings"),
        ({}, {"encoder.layers.0.fc1.weight": torch.ones(3, 3)}, "weights do not fit the options"),
    ],
)
def test_options_and_weights_of_no_transformer_name_the_file(options, weights, said, tmp_path):
    with pytest.raises(InputError) as caught:
        load_model(altered(tmp_path, options, **weights))
    assert str(caught.value).startswith(f"{tmp_path}/x.pt: {said}") and "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [torch.ones(4, 3), torch.tensor(1.0), torch.ones(3)])
def test_no_average_over_other_sizes(other, tmp_path):
    """Not even where torch would spread a smaller tensor over a larger one."""
    for name, tensor in (("a", torch.ones(3, 3)), ("b", other)):
        torch.save({"model": {"w": tensor}}, tmp_path / f"{name}.pt")
    for order in ("ab", "ba"):
        with pytest.raises(InputError, match=f"{order[0]}.pt: its size differs from the others"):
            average_checkpoints([tmp_path / f"{name}.pt" for name in order], tmp_path / "mean.pt")
    assert not (tmp_path / "mean.pt").exists()


@pytest.mark.slow
def test_loading_imports_no_compiler(tmp_path):
    """It takes a second, more than everything else of a short decoding."""
    code = (
        "import sys; from pathlib import Path; from janus.methods.base.loading import load_model\n"
        "load_model(Path(sys.argv[1])); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, altered(tmp_path)], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
