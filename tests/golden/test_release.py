"""The `release` recipe against every number that the authors' code gave for the same weights and batch."""

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch

from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.decoding import Decoding
from janus.decoding.length_beam import length_candidates
from janus.decoding.mask_predict import MaskPredictSettings, mask_predict
from janus.methods.base.joint_loss import RELEASE, Weights, joint_loss
from janus.methods.base.loading import load_model
from janus.model.config import TransformerConfig
from janus.model.incremental import IncrementalDecoder
from janus.model.ragged import Source
from janus.model.streams import pack_streams
from janus.model.transformer import JanusTransformer

HERE = Path(__file__).parent
GOLDEN = {name: torch.from_numpy(array) for name, array in np.load(HERE / "official-tiny.npz").items()}
DECODES = json.loads((HERE / "official-tiny-decode.json").read_text())["decode"]
PAD, MASK = 1, 3
TARGET = GOLDEN["batch.target"]
MASKED = GOLDEN["raw.nar_mask_padded"][GOLDEN["batch.id"]]


@pytest.fixture(scope="module")
def model() -> JanusTransformer:
    config = TransformerConfig(
        44,
        44,
        dimension=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_ffn=64,
        decoder_ffn=64,
        encoder_heads=4,
        decoder_heads=4,
        source_positions=128,
        target_positions=128,
        dropout=0.0,
        query_position="previous",
        encoder_passes=2,
    )
    model = JanusTransformer(config)
    weights = {name.removeprefix("param."): value for name, value in GOLDEN.items() if name.startswith("param.")}
    model.load_state_dict({name: value for name, value in weights.items() if not name.endswith("version")})
    return model.eval()


@pytest.fixture(scope="module")
def source() -> Source:
    return Source.of(GOLDEN["batch.net_input.src_tokens"], PAD)


@pytest.fixture(scope="module")
def states(model, source):
    streams = pack_streams(TARGET, MASKED, pad=PAD, mask=MASK, query_position="previous")
    return model(source, streams)


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_encoder(model, source):
    rows = GOLDEN["enc.out_TBC"].transpose(0, 1)[~GOLDEN["enc.padding_mask_BT"]]
    close(model.encode(source)[1], rows)


@pytest.mark.parametrize(
    ("stream", "name", "selection"),
    [
        ("ar", "ar.logits", "sel.ar_nonpad"),
        ("nar", "nar.content_logits", "sel.content_maskslots"),
        ("aux", "aux.query_logits", "sel.query_nonpad"),
    ],
)
def test_stream_logits(model, states, stream, name, selection):
    close(model.project(states.hidden[stream]), GOLDEN[name][GOLDEN[selection]])


def test_length_logits(states):
    close(states.length, GOLDEN["length.logits"])


def test_streams_speak_of_the_same_tokens(states):
    ar, masked = states.read["ar"], states.read["nar"].labels
    assert torch.equal(ar.labels[ar.masked], masked) and torch.equal(states.read["aux"].labels, masked)
    chosen = ~GOLDEN["batch.ar_input.ar_mask"] & GOLDEN["sel.ar_nonpad"]
    assert torch.equal(GOLDEN["batch.ar_input.ar_target"][chosen], masked)


NAMES = {"ar": "ar_ce", "nar": "nar_ce", "aux": "aux_ce"}


@pytest.mark.parametrize(
    "term", ["ar", "ar_nll", "nar", "nar_nll", "aux", "aux_nll", "length", "kl_ar_nar", "kl_nar_aux", "kl_ar_aux"]
)
def test_loss_term(states, term):
    _, terms = joint_loss(states, TARGET.ne(PAD).sum(1), RELEASE, 0.1)
    close(terms[term], GOLDEN[f"loss.{NAMES.get(term, term)}"])


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        (RELEASE, "total"),
        (Weights(ar=1), "criterion_ar_loss"),
        (Weights(nar=1, length=0.1), "criterion_cmlm_loss"),
    ],
)
def test_total(states, weights, name):
    close(joint_loss(states, TARGET.ne(PAD).sum(1), weights, 0.1)[0], GOLDEN[f"loss.{name}"])


def test_gradients(model, source):
    model.zero_grad()
    streams = pack_streams(TARGET, MASKED, pad=PAD, mask=MASK, query_position="previous")
    joint_loss(model(source, streams), TARGET.ne(PAD).sum(1), RELEASE, 0.1)[0].backward()
    for name, parameter in model.named_parameters():
        theirs = GOLDEN[f"grad.{name}"]
        # A key bias shifts all scores of a softmax alike: its gradient is zero but for rounding, in both.
        scale = float(theirs.abs().max()) if not name.endswith("k_proj.bias") else 1.0
        torch.testing.assert_close(
            parameter.grad, theirs, rtol=1e-5, atol=1e-5 * scale, msg=lambda m, name=name: f"{name}: {m}"
        )


def test_cached_steps_equal_the_teacher_forced_pass(model, source):
    decoder = IncrementalDecoder(model, model.encode(source)[0])
    with torch.no_grad():
        steps = torch.stack([decoder.step(TARGET[:, i], i) for i in range(TARGET.size(1) - 1)], 1)
    real = GOLDEN["sel.ar_nonpad"]
    close(steps[real], GOLDEN["ar.logits"][real])


def test_the_release_cache_does_not(model):
    """The defect this decoder does not share: the release's cache doubles its entries from the second step on."""
    difference = (GOLDEN["ar.logits_official_incremental"] - GOLDEN["ar.logits"]).abs()[GOLDEN["sel.ar_nonpad"]]
    assert difference.max() > 0.05


@pytest.mark.parametrize("beam", [1, 5])
def test_beam_search(model, source, beam):
    outputs = beam_search(model, source, BeamSettings(beam=beam, max_len_b=24))
    for ours, theirs in zip(outputs, DECODES[f"ar_beam{beam}_full_recompute"], strict=True):
        assert [h.tokens.tolist() for h in ours] == [tokens for tokens, _, _ in theirs]
        for hypothesis, (_, scores, score) in zip(ours, theirs):
            close(hypothesis.token_scores, torch.tensor(scores))
            assert hypothesis.score == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("iteration", [0, 1, 4, 10])
@pytest.mark.parametrize("length_beam", [1, 3])
def test_mask_predict(model, source, iteration, length_beam):
    outputs = mask_predict(
        model, source, MaskPredictSettings(passes=iteration + 1, length_beam=length_beam, shortest=0)
    )
    theirs = DECODES[f"nar_iter{iteration}_lb{length_beam}_force"]
    for hypothesis, [(tokens, scores, score)] in zip(outputs, theirs, strict=True):
        assert hypothesis.tokens.tolist() == tokens
        close(hypothesis.token_scores, torch.tensor(scores))
        assert hypothesis.score == pytest.approx(score, abs=1e-5)


def test_a_checkpoint_of_the_release_loads(tmp_path, source):
    """Its parameter names are fairseq's, its architecture has a name of its own; it decodes as it did there."""
    sizes = dict(layers=2, embed_dim=32, ffn_embed_dim=64, attention_heads=4, learned_pos=True)
    options = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in sizes.items()}
    options |= dict(max_source_positions=128, max_target_positions=128, share_all_embeddings=True)
    weights = {name.removeprefix("param."): value for name, value in GOLDEN.items() if name.startswith("param.")}
    state = {"args": None, "cfg": {"model": Namespace(arch="named_by_the_authors", **options)}, "model": weights}
    torch.save(state, tmp_path / "release.pt")
    outputs = beam_search(load_model(tmp_path / "release.pt"), source, BeamSettings(beam=5, max_len_b=24))
    for ours, theirs in zip(outputs, DECODES["ar_beam5_full_recompute"], strict=True):
        assert [h.tokens.tolist() for h in ours] == [tokens for tokens, _, _ in theirs]


def test_predicted_lengths(model, source):
    memory, encoded = model.encode(source)
    lengths = length_candidates(model, encoded, source, MaskPredictSettings(length_beam=1, shortest=0))
    assert lengths.flatten().tolist() == [max(length, 2) for length in DECODES["nar_predicted_length"]]


def test_settings_that_nobody_names_are_the_releases(model, source):
    """Beam 5; 10 iterations, which are 11 passes, over 3 lengths: the scripts of its repository."""
    outputs = mask_predict(model, source, MaskPredictSettings(shortest=0))
    assert [h.tokens.tolist() for h in outputs] == [tokens for [(tokens, _, _)] in DECODES["nar_iter10_lb3_force"]]
    outputs, theirs = beam_search(model, source, BeamSettings(max_len_b=24)), DECODES["ar_beam5_full_recompute"]
    assert [[h.tokens.tolist() for h in one] for one in outputs] == [[t for t, _, _ in one] for one in theirs]
    for settings in (MaskPredictSettings(), Decoding.of(manner="nar").settings):
        assert (settings.passes, settings.length_beam) == (11, 3)
        assert not settings.repredict and settings.length_candidates == "around"
    for settings in (BeamSettings(), Decoding.of(manner="ar").settings):
        assert (settings.beam, settings.lenpen, settings.max_len_a) == (5, 1.0, 0.0)
        assert (settings.max_len_b, settings.shortest) == (200, 1)
