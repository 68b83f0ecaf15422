"""Parallel easy-first decoding and its mask-predict against the numbers of DisCo's authors, and their laws."""

import pytest
import torch
from disco_golden import GOLDEN, golden_model

from janus.decoding import easy_first as module
from janus.decoding.decoding import Decoding
from janus.decoding.easy_first import EasyFirstSettings, ranks
from janus.errors import InputError
from janus.methods.disco import words_of
from janus.model.ragged import Source

SOURCE = Source.of(GOLDEN["src"], 1)


@pytest.fixture
def model():
    return golden_model().eval()


def decode(model, source=SOURCE, **settings):
    return [one for [one] in Decoding.of(manner="nar", method="disco", **settings).decode(model, source)]


@pytest.mark.parametrize("strategy", ["easy_first", "mask_predict"])
@pytest.mark.parametrize("passes", [1, 2, 4, 10])
@pytest.mark.parametrize("beam", [1, 3])
def test_decodes(model, strategy, passes, beam):
    expected = GOLDEN[f"{strategy}_it{passes}_lb{beam}_tokens"]
    for hypothesis, tokens in zip(decode(model, passes=passes, length_beam=beam, strategy=strategy), expected):
        length = hypothesis.tokens.numel()
        assert hypothesis.tokens.tolist() == tokens[:length].tolist() and tokens[length:].eq(1).all()
        assert hypothesis.tokens[-1] == 2 and hypothesis.token_scores[-1] == 0


@pytest.mark.parametrize("beam", [1, 3])
def test_every_pass_and_the_passes_of_each_sentence(model, monkeypatch, beam):
    """The canvases that enter each pass; a sentence that is done is not decoded further, which the authors' code does.

    The authors' mean counts, of each sentence, the pass in which it was found to be done.
    """
    entering = []
    predict = module.predict

    def recorded(model, memory, canvases, order, known):
        entering.append(canvases)
        return predict(model, memory, canvases, order, known)

    monkeypatch.setattr(module, "predict", recorded)
    outputs = decode(model, length_beam=beam)
    golden = GOLDEN[f"easy_first_it10_lb{beam}_inputs"]
    assert len(entering) == golden.size(0) == GOLDEN[f"easy_first_it10_lb{beam}_passes"]
    for canvases, expected in zip(entering[1:], golden[1:]):
        active = canvases.owner.unique()
        assert torch.equal(canvases.tokens, expected.view(4, beam, -1)[active].flatten(0, 1))
    taken = torch.tensor([float(hypothesis.passes) for hypothesis in outputs])
    assert taken.mean() == GOLDEN[f"easy_first_it10_lb{beam}_mean_iterations"]
    calls = torch.stack([torch.bincount(c.owner, minlength=4).clamp(max=1) for c in entering]).sum(0)
    assert torch.equal(calls.float(), taken)


def test_more_passes_change_nothing_after_convergence(model):
    done = decode(model, length_beam=3, passes=10)
    assert max(hypothesis.passes for hypothesis in done) < 10
    again = decode(model, length_beam=3, passes=30)
    for one, other in zip(done, again):
        assert one.tokens.tolist() == other.tokens.tolist() and one.passes == other.passes


def test_a_converged_canvas_is_a_fixed_point(model):
    memory, encoded = model.encode(SOURCE)
    lengths = module.probable_lengths(model, encoded, SOURCE, 1)
    canvases = module.blank(model, lengths)
    nothing = torch.zeros_like(canvases.tokens)
    first = module.predict(model, memory, canvases, nothing, nothing)
    order = -first.scores
    known = ranks(order, words_of(first.tokens, 1))
    last, _ = module.easy_first(model, memory, first, lengths, 10)
    again = module.predict(model, memory, last, order, known)
    assert torch.equal(again.tokens, last.tokens) and not torch.equal(first.tokens, last.tokens)


@pytest.mark.parametrize("strategy", ["easy_first", "mask_predict"])
def test_a_sentence_alone_has_the_output_of_the_batch(model, strategy):
    together = decode(model, length_beam=3, strategy=strategy, passes=6)
    for b, expected in enumerate(together):
        [alone] = decode(model, Source.of(GOLDEN["src"][b : b + 1], 1), length_beam=3, strategy=strategy, passes=6)
        assert alone.tokens.tolist() == expected.tokens.tolist() and alone.passes == expected.passes
        assert alone.score == pytest.approx(expected.score, abs=1e-5)


def test_the_first_pass_is_of_the_source_alone(model):
    """Every query sees eos only, so the tokens of a blank canvas do not matter."""
    memory, encoded = model.encode(SOURCE)
    canvases = module.blank(model, module.probable_lengths(model, encoded, SOURCE, 2))
    nothing = torch.zeros_like(canvases.tokens)
    other = module.Canvases(canvases.tokens.masked_fill(canvases.tokens == 3, 9), canvases.scores, canvases.owner)
    one, two = (module.predict(model, memory, blank, nothing, nothing) for blank in (canvases, other))
    assert torch.equal(one.tokens, two.tokens) and torch.equal(one.scores, two.scores)


def test_padding_is_never_predicted(model, monkeypatch):
    project = model.project

    def prefers_padding(states):
        logits = project(states).clone()
        logits[:, 1] = 1 + logits.max()
        return logits

    monkeypatch.setattr(model, "project", prefers_padding)
    assert not any(hypothesis.tokens.eq(1).any() for hypothesis in decode(model, passes=3))


def test_lengths_are_within_bounds(model, monkeypatch):
    """0 and 1 are raised to one word and eos, and the model's positions are the longest."""
    scores = torch.zeros(4, 100)
    scores[:, 1], scores[:, 99] = 9, 8
    monkeypatch.setattr(model.decoder, "forward_length", lambda *_: scores)
    lengths = module.probable_lengths(model, torch.empty(0), SOURCE, 2)
    assert lengths.tolist() == [[2, 64]] * 4
    with pytest.raises(InputError, match="100 candidates, the model has 99 lengths"):
        module.probable_lengths(model, torch.empty(0), SOURCE, 100)


@pytest.mark.parametrize("settings", [{"passes": 0}, {"length_beam": 0}, {"strategy": "hard_first"}])
def test_settings_are_checked(settings):
    with pytest.raises(InputError):
        EasyFirstSettings(**settings)
