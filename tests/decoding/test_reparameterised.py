"""Denoising decoders against a slow one in loops, their schedules, and their independence of the batch."""

import math

import pytest
import torch
from fairseq_models import build, sources

from janus.decoding.decoding import Decoding
from janus.decoding.mask_predict import MaskPredictSettings, mask_predict
from janus.decoding.reparameterised import DenoisingSettings, denoise, draw, log_probabilities
from janus.decoding.vocabulary import make_source
from janus.errors import InputError
from janus.model.streams import pack_canvas
from janus.plugin.models import core_of

SETTINGS = [
    {},
    {"schedule": "linear"},
    {"routing": "cond", "passes": 6},
    {"temperature": 0.8, "noise": 1.0, "seed": 4},
    {"sampler": "ancestral", "temperature": 1.0},
    {"sampler": "ancestral", "passes": 3},
]


@pytest.fixture(scope="module")
def model():
    core = core_of(build("janus_transformer")[0])
    with torch.no_grad():
        core.decoder.embed_length.weight[24:] = 0
    return core


def in_loops(model, sentence, length, *, passes, schedule, routing):
    """One canvas, cell by cell, without noise: the words of Zheng et al. (2023), section 4.3 and appendix."""
    config = model.config
    memory, _ = model.encode(make_source([sentence], "cpu"))
    words, scores = [None] * (length - 2), [0.0] * (length - 2)
    for done in range(passes):
        canvas = torch.tensor([[config.bos, *(config.mask if w is None else w for w in words), config.eos]])
        rows = pack_canvas(canvas, torch.tensor([0]), pad=config.pad, mask=config.mask, read_all=True)
        found = {}
        for one in rows.read.values():
            logits = model.project(model.decoder(rows, memory, one.rows))
            for row, score in zip(one.rows.tolist(), log_probabilities(logits, config)):
                found[int(rows.place[row]) - 1] = (float(score.max()), int(score.argmax()))
        part = (done + 1) / passes
        share = 1 - part if schedule == "linear" else math.cos(part * math.pi / 2)
        count = int((length - 2) * share + 1e-9) if done + 1 < passes else 0
        lowest = sorted(range(length - 2), key=lambda i: found[i][0])[:count]
        before = list(words)
        for i in range(length - 2):
            score, word = found[i]
            doubted = before[i] == word and score < scores[i]
            if i in lowest and (routing == "uncond" or before[i] is None or doubted):
                words[i], scores[i] = None, 0.0
            elif before[i] is None:
                words[i], scores[i] = word, score
    return [config.bos, *words, config.eos], scores


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
@pytest.mark.parametrize("routing", ["uncond", "cond"])
@pytest.mark.parametrize("passes", [1, 4, 7])
@torch.no_grad()
def test_equals_a_decoder_in_loops(model, schedule, routing, passes):
    sentences = sources(6, bos=True)
    settings = {"passes": passes, "schedule": schedule, "routing": routing}
    outputs = denoise(model, make_source(sentences, "cpu"), DenoisingSettings(length_beam=1, **settings))
    for sentence, hypothesis in zip(sentences, outputs):
        words, scores = in_loops(model, sentence, hypothesis.tokens.numel(), **settings)
        assert hypothesis.tokens.tolist() == words
        assert hypothesis.token_scores[1:-1].tolist() == pytest.approx(scores, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("options", SETTINGS)
def test_batch_of_one_equals_batch_of_all(model, options):
    sentences, settings = sources(9, bos=True), DenoisingSettings(**options)
    together = denoise(model, make_source(sentences, "cpu"), settings)
    for sentence, expected in zip(sentences, together):
        [alone] = denoise(model, make_source([sentence], "cpu"), settings)
        assert alone.tokens.tolist() == expected.tokens.tolist()


@pytest.mark.parametrize("sampler", ["reparameterised", "ancestral"])
def test_one_pass_without_noise_is_one_pass_of_mask_predict(model, sampler):
    source = make_source(sources(8, bos=True), "cpu")
    expected = mask_predict(model, source, MaskPredictSettings(passes=1))
    # Else the two would differ by what this one never shows.
    assert not any(hypothesis.tokens.eq(model.config.mask).any() for hypothesis in expected)
    for ours, theirs in zip(denoise(model, source, DenoisingSettings(passes=1, sampler=sampler)), expected):
        assert ours.tokens.tolist() == theirs.tokens.tolist()


@pytest.mark.parametrize("options", SETTINGS)
def test_everything_is_shown_in_the_end(model, options):
    for hypothesis in denoise(model, make_source(sources(9, bos=True), "cpu"), DenoisingSettings(**options)):
        assert not hypothesis.tokens.eq(model.config.mask).any() and (hypothesis.token_scores[1:-1] < 0).all()


def test_draws_follow_the_seed(model):
    source = make_source(sources(9, bos=True), "cpu")

    def tokens(**options):
        return [one.tokens.tolist() for one in denoise(model, source, DenoisingSettings(**options))]

    assert tokens(temperature=1.0, seed=2) == tokens(temperature=1.0, seed=2) != tokens(temperature=1.0, seed=3)
    assert tokens(noise=5.0, seed=2) != tokens(noise=0.0)


def test_words_are_drawn_with_their_probabilities():
    logits = torch.tensor([-torch.inf, 0.0, math.log(2), -torch.inf, math.log(5)]).expand(8000, 5)
    words = draw(logits, torch.arange(8000) / 8000)
    assert words.bincount(minlength=5).tolist() == [0, 1000, 2000, 0, 5000]


def test_ancestral_passes_show_equal_shares(model):
    """After i of P passes a cell is shown with the probability i / P."""
    from janus.decoding import reparameterised as module

    passes, cells = 4, 20_000
    settings = DenoisingSettings(passes=passes, sampler="ancestral")
    masked = torch.ones(1, cells, dtype=torch.bool)
    generator = torch.Generator().manual_seed(1)
    for done in range(passes):
        canvas = module.Canvas(torch.zeros(1, cells), torch.zeros(1, cells), masked, masked)
        drawn = torch.rand(2, 1, cells, generator=generator)
        masked = module.route(canvas, canvas.token, canvas.score, settings, done, drawn)
        assert float(masked.float().mean()) == pytest.approx(1 - (done + 1) / passes, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"passes": 0}, "passes: 0 is too small"),
        ({"temperature": -1}, "temperature: -1 is too small"),
        ({"sampler": "gibbs"}, "sampler: unknown value 'gibbs'"),
        ({"schedule": "sine"}, "schedule: unknown value 'sine'"),
        ({"routing": "free"}, "routing: unknown value 'free'"),
    ],
)
def test_a_wrong_setting_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        Decoding.of(manner="nar", method="diffusion", **options)
