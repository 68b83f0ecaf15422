"""Mask-predict against fairseq's generator on fairseq's own CMLM, and its independence of the batch."""

import pytest
import torch
from fairseq.iterative_refinement_generator import IterativeRefinementGenerator
from fairseq_models import build, fairseq_sample, sources

from janus.decoding import mask_predict as module
from janus.decoding.mask_predict import MaskPredictSettings, mask_predict
from janus.decoding.vocabulary import make_source
from janus.plugin.models import core_of


@pytest.mark.parametrize("passes", [1, 2, 5])
@pytest.mark.parametrize("length_beam", [1, 3])
@pytest.mark.parametrize("offset", [False, True])
def test_equals_fairseq(passes, length_beam, offset):
    model, words = build("cmlm_transformer", pred_length_offset=offset)
    with torch.no_grad():
        # The only symbol ours refuses and fairseq's does not; a trained model never predicts it.
        model.decoder.output_projection.weight[1] = -9 * model.decoder.output_projection.weight[2:].abs().sum(0)
        if offset:
            model.decoder.embed_length.weight[140:] = 0
            model.decoder.embed_length.weight[:120] = 0
        else:
            model.decoder.embed_length.weight[24:] = 0
    sentences = sources(13, bos=True)
    theirs = IterativeRefinementGenerator(words, max_iter=passes - 1, beam_size=length_beam, adaptive=False).generate(
        [model], fairseq_sample(sentences)
    )
    ours = mask_predict(
        core_of(model), make_source(sentences, "cpu"), MaskPredictSettings(passes=passes, length_beam=length_beam)
    )
    for hypothesis, [reference] in zip(ours, theirs, strict=True):
        assert hypothesis.tokens.tolist() == reference["tokens"].tolist()
        assert hypothesis.score == pytest.approx(float(reference["score"]), abs=1e-4)


@pytest.mark.parametrize("arch", ["cmlm_transformer", "janus_transformer"])
@pytest.mark.parametrize(
    "settings",
    [
        MaskPredictSettings(passes=4, length_beam=3),
        MaskPredictSettings(passes=3, length_beam=5, candidates="top"),
        MaskPredictSettings(passes=3, length_beam=2, repredict=True),
    ],
)
def test_batch_of_one_equals_batch_of_all(arch, settings):
    core = core_of(build(arch)[0])
    sentences = sources(17, bos=True)
    together = mask_predict(core, make_source(sentences, "cpu"), settings)
    for sentence, expected in zip(sentences, together):
        [alone] = mask_predict(core, make_source([sentence], "cpu"), settings)
        assert alone.tokens.tolist() == expected.tokens.tolist()


@pytest.mark.parametrize("repredict", [False, True])
def test_passes_are_decoder_calls(monkeypatch, repredict):
    core = core_of(build("janus_transformer")[0])
    calls = []
    inner = module.fill
    monkeypatch.setattr(module, "fill", lambda *args: calls.append(1) or inner(*args))
    mask_predict(core, make_source(sources(3, bos=True), "cpu"), MaskPredictSettings(passes=7, repredict=repredict))
    assert len(calls) == 7


def test_a_kept_token_is_never_changed_unless_repredicted():
    core = core_of(build("janus_transformer")[0])
    memory, _ = core.encode(make_source(sources(1, bos=True), "cpu"))
    canvas = torch.tensor([[0, 9, 3, 3, 12, 2]])
    owner, scores = torch.tensor([0]), torch.zeros(1, 6)
    filled, _ = module.fill(core, canvas, scores, owner, memory, False)
    assert filled[0, [0, 1, 4, 5]].tolist() == [0, 9, 12, 2]
    again, score = module.fill(core, canvas, scores, owner, memory, True)
    assert again[0, [0, 5]].tolist() == [0, 2]
    assert bool((score[0, 1:5] < 0).all()) and score[0, 0] == 0


def test_remask_takes_the_least_certain():
    core = core_of(build("janus_transformer")[0])
    canvas = torch.tensor([[0, 7, 8, 9, 10, 2, 1], [0, 7, 2, 1, 1, 1, 1]])
    scores = torch.tensor([[0, -1.0, -3.0, -0.5, -2.0, 0, 0], [0, -1.0, 0, 0, 0, 0, 0]])
    remasked, kept = module.remask(core, canvas, scores, 0.6)
    assert remasked.tolist() == [[0, 7, 3, 9, 3, 2, 1], [0, 7, 2, 1, 1, 1, 1]]
    assert kept[0].tolist() == [0, -1.0, 0, -0.5, 0, 0, 0]
