"""Checkpoints: fairseq's models compute the same here; averages are means; nothing a file holds is executed."""

import copy
import pickle

import pytest
import torch
from fairseq_models import build, fairseq_sample, sources

from janus.decoding.vocabulary import make_source, pad_batch
from janus.errors import InputError
from janus.model.checkpoints import average_checkpoints, config_from_options, read_checkpoint
from janus.plugin.models import core_of
from janus.streams import pack_canvas, pack_streams


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
    ours = core.project(core.decoder(streams, memory, streams.nar_rows))
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


def test_average_refuses_another_architecture(tmp_path):
    save(tmp_path / "a.pt", 1.0)
    state = torch.load(tmp_path / "a.pt")
    other = copy.copy(state)
    other["model"] = dict(list(state["model"].items())[1:])
    torch.save(other, tmp_path / "b.pt")
    with pytest.raises(InputError, match="b.pt: another architecture"):
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


@pytest.mark.parametrize("option", [{"encoder_normalize_before": True}, {"cross_self_attention": True}])
def test_what_the_engine_does_not_compute_is_refused(option):
    with pytest.raises(InputError, match="is not supported"):
        config_from_options({"arch": "transformer", **option}, 9, 9, has_length=False)


def test_a_missing_size_is_not_guessed():
    with pytest.raises(InputError, match="encoder_embed_dim is missing"):
        config_from_options({"arch": "transformer"}, 9, 9, has_length=False)
