"""Mask-predict against fairseq's generator on fairseq's own CMLM, and its independence of the batch."""

import pytest
import torch
from fairseq.iterative_refinement_generator import DecoderOut, IterativeRefinementGenerator
from fairseq_models import build, fairseq_sample, sources

from janus.decoding import mask_predict as module
from janus.decoding.length_beam import length_candidates, length_log_probs
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
        core_of(model),
        make_source(sentences, "cpu"),
        MaskPredictSettings(passes=passes, length_beam=length_beam, shortest=0),
    )
    for hypothesis, [reference] in zip(ours, theirs, strict=True):
        assert hypothesis.tokens.tolist() == reference["tokens"].tolist()
        assert hypothesis.score == pytest.approx(float(reference["score"]), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["cmlm_transformer", "janus_transformer"])
@pytest.mark.parametrize(
    "settings",
    [
        MaskPredictSettings(passes=4, length_beam=3),
        MaskPredictSettings(passes=3, length_beam=5, length_candidates="top"),
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


@pytest.mark.parametrize("repredict", [False, True])
@pytest.mark.parametrize("passes", [1, 4])
def test_padding_is_never_predicted(passes, repredict):
    """On a model whose best symbol is padding nearly everywhere; written, it would change the length of the output."""
    model, _ = build("cmlm_transformer", share_all_embeddings=False)
    settings = MaskPredictSettings(passes=passes, length_beam=1, repredict=repredict)
    source = make_source(sources(13, bos=True), "cpu")

    def decode(margin: float) -> list[list[int]]:
        with torch.no_grad():
            model.decoder.embed_length.weight[24:] = -1
            model.decoder.output_projection.weight[1] = margin * model.decoder.layers[-1].final_layer_norm.bias
        return [hypothesis.tokens.tolist() for hypothesis in mask_predict(core_of(model), source, settings)]

    loving, hating = decode(20.0), decode(-20.0)
    for tokens, others in zip(loving, hating, strict=True):
        assert tokens[0] == 0 and tokens[-1] == 2 and 1 not in tokens
        assert len(tokens) == len(others), "the length classifier alone decides"
    if passes == 1:
        assert loving == hating, "the second-best symbol takes its place"


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("beam", [1, 2, 3, 4])
def test_the_lengths_around_the_best_are_fairseqs(monkeypatch, beam, offset):
    """From the best, at least 2, half of the candidates down; none below 2; none beyond the model's positions."""
    model, words = build("cmlm_transformer", pred_length_offset=offset, max_target_positions=20)
    core, sentences = core_of(model), sources(9, bos=True)
    source = make_source(sentences, "cpu")
    wanted = torch.tensor([0, 1, 2, 3, 4, 7, 12, 15, 5])
    classes = wanted - source.layout.counts() + 128 if offset else wanted
    logits = torch.nn.functional.one_hot(classes, 256).float()
    monkeypatch.setattr(core.decoder, "forward_length", lambda *_: logits)
    ours = length_candidates(core, torch.empty(0), source, MaskPredictSettings(length_beam=beam, shortest=0))
    net = fairseq_sample(sentences)["net_input"]
    encoded = model.encoder(net["src_tokens"], src_lengths=net["src_lengths"])
    best = model.decoder.forward_length_prediction(logits, encoded)
    assert best.tolist() == wanted.tolist()
    # As its initialize_output_tokens does before candidates are laid around.
    blank = torch.arange(20) < best.clamp(min=2)[:, None]
    start = DecoderOut(torch.where(blank, 3, 1), torch.zeros(9, 20), None, 0, 0, None)
    theirs = model.regenerate_length_beam(start, beam).output_tokens.ne(1).sum(1).view(9, beam)
    assert ours.tolist() == theirs.tolist()
    monkeypatch.setattr(core.decoder, "forward_length", lambda *_: logits.roll(40, 1))
    assert length_candidates(core, torch.empty(0), source, MaskPredictSettings(length_beam=beam)).max() == 20


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("most", [9, 12, 40])
def test_the_most_probable_lengths_are_those_of_a_sorted_list(monkeypatch, offset, most):
    """Of all lengths that an output may have, both ends included: one word, and as many places as the model has."""
    model, _ = build("cmlm_transformer", pred_length_offset=offset, max_target_positions=most)
    core, source = core_of(model), make_source(sources(30, bos=True), "cpu")
    logits = torch.randn(30, 256, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(core.decoder, "forward_length", lambda *_: logits)
    ours = length_candidates(core, torch.empty(0), source, MaskPredictSettings(length_beam=4, length_candidates="top"))
    ends = set()
    for row, length, mine in zip(logits.tolist(), source.layout.counts().tolist(), ours.tolist()):
        known = {(c - 128 + length if offset else c): score for c, score in enumerate(row)}
        allowed = [n for n in sorted(known, key=known.get, reverse=True) if 3 <= n <= most]
        assert mine == allowed[:4]
        ends |= set(mine)
    assert {3, most} <= ends


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("offset", [False, True])
def test_a_length_without_a_class_has_the_probability_of_the_nearest(monkeypatch, dtype, offset):
    model, _ = build("cmlm_transformer", pred_length_offset=offset)
    core, source = core_of(model), make_source(sources(5, bos=True), "cpu")
    logits = (5 * torch.randn(5, 10, generator=torch.Generator().manual_seed(1))).to(dtype)
    monkeypatch.setattr(core.decoder, "forward_length", lambda *_: logits)
    first = source.layout.counts()[:, None] - 128 if offset else torch.zeros(5, 1, dtype=torch.long)
    classes = torch.tensor([[0, 4, 9, 10, 300]])
    ours = length_log_probs(core, torch.empty(0), source, first + classes)
    theirs = torch.log_softmax(logits.double(), 1)[:, [0, 4, 9, 9, 9]]
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(length_log_probs(core, torch.empty(0), source, first - 2), ours[:, :1])
