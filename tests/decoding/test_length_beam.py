"""What ranks the length candidates: each rule against candidates that are decoded one by one and scored here."""

import pytest
import torch
from fairseq_models import build, sources

from janus.decoding import length_beam as module
from janus.decoding import mask_predict as searching
from janus.decoding.decoding import Decoding
from janus.decoding.mask_predict import MaskPredictSettings, mask_predict
from janus.decoding.vocabulary import make_source
from janus.errors import InputError
from janus.plugin.models import core_of


def model_that_likes(monkeypatch, lengths, *, classes=20):
    """A random model whose length classifier prefers canvases of these lengths, bos and eos counted, in this order."""
    core = core_of(build("janus_transformer")[0])
    logits = torch.zeros(classes)
    for rank, length in enumerate(lengths):
        logits[length] = 3 - 0.02 * rank
    monkeypatch.setattr(core.decoder, "forward_length", lambda _, layout: logits.repeat(layout.groups, 1))
    return core, torch.log_softmax(logits, 0)


def one_by_one(monkeypatch, core, batch, lengths, passes):
    """{length: the tokens and their log-probabilities}, of each sentence, decoded with that length alone."""
    found = []
    for length in lengths:
        with monkeypatch.context() as patch:
            patch.setattr(searching, "length_candidates", lambda *_, n=length: torch.full((len(batch), 1), n))
            found.append(mask_predict(core, make_source(batch, "cpu"), MaskPredictSettings(passes=passes)))
    return [dict(zip(lengths, hypotheses, strict=True)) for hypotheses in zip(*found, strict=True)]


@pytest.mark.parametrize("passes", [1, 4])
@pytest.mark.parametrize("score", ["release", "average", "average_and_length"])
def test_each_rule_takes_the_candidate_that_it_ranks_first(monkeypatch, score, passes):
    lengths, batch = [9, 4, 12, 6, 3], sources(15, bos=True)
    core, length_log_probs = model_that_likes(monkeypatch, lengths)
    rule = {
        "release": lambda hypothesis, n: float(hypothesis.token_scores.sum()) / n,
        "average": lambda hypothesis, n: float(hypothesis.token_scores[1:-1].mean()),
        "average_and_length": lambda hypothesis, n: float(hypothesis.token_scores[1:-1].mean() + length_log_probs[n]),
    }[score]
    alone = one_by_one(monkeypatch, core, batch, lengths, passes)
    settings = MaskPredictSettings(passes=passes, length_beam=5, length_candidates="top", length_score=score)
    chosen = mask_predict(core, make_source(batch, "cpu"), settings)
    for hypothesis, candidates in zip(chosen, alone, strict=True):
        best = max(candidates, key=lambda n: rule(candidates[n], n))
        assert hypothesis.tokens.tolist() == candidates[best].tokens.tolist()
        assert hypothesis.score == pytest.approx(rule(candidates[best], best), abs=1e-5)
    # Of random weights the release's rule takes the shortest canvas of every sentence.
    assert (len({hypothesis.tokens.numel() for hypothesis in chosen}) == 1) == (score == "release")


@pytest.mark.parametrize("candidates", ["around", "top"])
@pytest.mark.parametrize("score", ["default", "release", "average", "average_and_length"])
@pytest.mark.parametrize("lengths", [[2, 3, 4, 5, 6], [2, 1, 0, 4, 3], [0], [1, 5]])
def test_no_output_is_empty(monkeypatch, candidates, score, lengths):
    core, _ = model_that_likes(monkeypatch, lengths)
    for beam in (1, 2, 5):
        settings = Decoding.of(
            manner="nar", passes=2, length_beam=beam, length_candidates=candidates, length_score=score
        ).settings
        for hypothesis in mask_predict(core, make_source(sources(9, bos=True), "cpu"), settings):
            assert hypothesis.tokens.numel() >= 3
            assert hypothesis.tokens[0] == 0 and hypothesis.tokens[-1] == 2


def test_an_empty_canvas_has_the_best_score_of_the_release(monkeypatch):
    """The defect that `average` and a least length close: nothing between bos and eos scores 0, the maximum."""
    core, _ = model_that_likes(monkeypatch, [5, 2, 7])
    source = make_source(sources(6, bos=True), "cpu")
    theirs = MaskPredictSettings(length_beam=3, length_candidates="top", length_score="release", shortest=0)
    silent = mask_predict(core, source, theirs)
    assert [h.tokens.tolist() for h in silent] == 6 * [[0, 2]] and {h.score for h in silent} == {0.0}
    for candidates in ("top", "around"):
        speaking = mask_predict(
            core, source, MaskPredictSettings(length_beam=3, length_candidates=candidates, length_score="average")
        )
        assert all(h.tokens.numel() > 2 for h in speaking)


def test_lengths_that_no_output_may_have_take_no_place_among_the_candidates(monkeypatch):
    core, _ = model_that_likes(monkeypatch, [2, 0, 1, 9, 6, 4])
    source = make_source(sources(2, bos=True), "cpu")
    _, encoded = core.encode(source)
    settings = MaskPredictSettings(length_beam=3, length_candidates="top")
    assert module.length_candidates(core, encoded, source, settings).tolist() == 2 * [[9, 6, 4]]


@pytest.mark.parametrize("arch", ["janus_transformer", "cmlm_transformer"])
def test_the_length_has_the_probability_of_its_class(arch):
    offset = arch.startswith("cmlm")
    core = core_of(build(arch, **({"pred_length_offset": True} if offset else {}))[0])
    batch = sources(5, bos=True)
    source = make_source(batch, "cpu")
    _, encoded = core.encode(source)
    log_probs = torch.log_softmax(core.decoder.forward_length(encoded, source.layout), 1)
    lengths = torch.tensor(5 * [[4, 9, 3]])
    found = module.length_log_probs(core, encoded, source, lengths)
    for row, sentence in enumerate(batch):
        # fairseq predicts the difference to the source, 128 being none.
        classes = [n - len(sentence) + 128 if offset else n for n in (4, 9, 3)]
        torch.testing.assert_close(found[row], log_probs[row, classes])


def test_the_rule_goes_with_the_candidates_unless_it_is_named():
    assert MaskPredictSettings().length_score == "release"
    assert MaskPredictSettings(length_candidates="top").length_score == "average"
    assert MaskPredictSettings(length_candidates="top", length_score="release").length_score == "release"


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"length_candidates": "best"}, "length_candidates: unknown value 'best'"),
        ({"length_score": "mean"}, "length_score: unknown value 'mean'"),
        ({"passes": 0}, "passes: 0 is too small"),
        ({"length_beam": 0}, "length_beam: 0 is too small"),
        ({"manner": "nat"}, "unknown manner 'nat'"),
    ],
)
def test_what_does_not_decode_is_refused(wrong, complaint):
    with pytest.raises(InputError, match=complaint):
        Decoding.of(**{"manner": "nar", **wrong})


@pytest.mark.parametrize("candidates", ["around", "top"])
def test_more_candidates_than_lengths_are_refused(monkeypatch, candidates):
    core, _ = model_that_likes(monkeypatch, [5], classes=8)
    source = make_source(sources(2, bos=True), "cpu")
    mask_predict(core, source, MaskPredictSettings(length_beam=8, length_candidates=candidates))
    with pytest.raises(InputError, match="length_beam: 9 candidates, the model has 8 length classes"):
        mask_predict(core, source, MaskPredictSettings(length_beam=9, length_candidates=candidates))


@pytest.mark.parametrize("repredict", [False, True])
def test_padding_is_never_predicted(monkeypatch, repredict):
    core, _ = model_that_likes(monkeypatch, [7])
    project = core.project

    def prefers_padding(states):
        logits = project(states)
        logits[:, core.config.pad] = 1 + logits.max()
        return logits

    monkeypatch.setattr(core, "project", prefers_padding)
    settings = MaskPredictSettings(passes=3, length_beam=1, repredict=repredict)
    for hypothesis in mask_predict(core, make_source(sources(5, bos=True), "cpu"), settings):
        assert hypothesis.tokens.numel() == 7
        assert core.config.pad not in hypothesis.tokens
