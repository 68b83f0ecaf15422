"""What each pass made of an output: fairseq's own history of mask-predict, and the same outputs as without it."""

import pytest
import torch
from disco_golden import GOLDEN, golden_model
from fairseq.iterative_refinement_generator import IterativeRefinementGenerator
from fairseq_models import build, fairseq_sample, sources

from janus.decoding.decoding import Decoding
from janus.decoding.vocabulary import make_source
from janus.errors import InputError
from janus.model.ragged import Source
from janus.plugin.models import core_of


def decoded(model, source, steps, **settings):
    outputs = Decoding.of(manner="nar", **settings).decode(model, source, steps=steps)
    return [one for [one] in outputs]


def test_the_passes_of_mask_predict_are_those_of_fairseq():
    model, words = build("cmlm_transformer")
    with torch.no_grad():
        # The only symbol ours refuses and fairseq's does not; a trained model never predicts it.
        model.decoder.output_projection.weight[1] = -9 * model.decoder.output_projection.weight[2:].abs().sum(0)
        model.decoder.embed_length.weight[24:] = 0
    sentences = sources(7, bos=True)
    generator = IterativeRefinementGenerator(words, max_iter=3, adaptive=False, retain_history=True)
    theirs = generator.generate([model], fairseq_sample(sentences))
    settings = {"passes": 4, "length_beam": 1, "shortest": 0}
    ours = decoded(core_of(model), make_source(sentences, "cpu"), True, **settings)
    for hypothesis, [reference] in zip(ours, theirs, strict=True):
        # Of the first canvas, then after each pass, and what is masked before the next one.
        history = [one["tokens"].tolist() for one in reference["history"]][1:]
        assert [step.tokens.tolist() for step in hypothesis.steps] == history[::2]
        masked = [step.written.nonzero()[:, 0].tolist() for step in hypothesis.steps]
        assert masked[1:] == [[i for i, token in enumerate(one) if token == 3] for one in history[1::2]]
        assert masked[0] == list(range(1, len(history[0]) - 1))


@pytest.mark.parametrize(
    "settings",
    [
        {"decoder": "mask_predict", "passes": 4},
        {"decoder": "mask_predict", "passes": 3, "repredict": True},
        {"decoder": "mask_predict", "passes": 3, "repredict": True, "keep_frame": True},
        {"decoder": "reparameterised", "passes": 5},
        {"decoder": "reparameterised", "passes": 3, "routing": "cond", "temperature": 0.5},
        {"decoder": "reparameterised", "passes": 3, "sampler": "ancestral"},
    ],
)
def test_outputs_with_steps_are_those_without(settings):
    model = core_of(build("janus_transformer")[0])
    source = make_source(sources(5, bos=True), "cpu")
    require_same(decoded(model, source, False, **settings), decoded(model, source, True, **settings))


@pytest.mark.parametrize("strategy", ["easy_first", "mask_predict"])
def test_a_sentence_that_is_done_has_no_further_steps(strategy):
    model, source = golden_model().eval(), Source.of(GOLDEN["src"], 1)
    settings = {"method": "disco", "strategy": strategy, "length_beam": 3}
    plain, traced = (decoded(model, source, steps, **settings) for steps in (False, True))
    require_same(plain, traced)
    assert [len(one.steps) for one in traced] == [one.passes for one in plain]


def require_same(plain, traced):
    """Outputs are equal, and the last step is the output: what no pass wrote again stays."""
    for one, other in zip(plain, traced, strict=True):
        assert torch.equal(one.tokens, other.tokens) and one.score == other.score and not one.steps
        last = other.steps[-1]
        assert torch.equal(last.tokens, one.tokens) and torch.equal(last.token_scores, one.token_scores)
        for before, step in zip(other.steps, other.steps[1:]):
            assert not (before.tokens.ne(step.tokens) & ~step.written).any()


def test_a_decoder_without_passes_says_so():
    model = core_of(build("janus_transformer")[0])
    with pytest.raises(InputError, match="steps: the decoder beam does not refine its outputs in passes"):
        Decoding.of(manner="ar").decode(model, make_source([[0, 5, 2]], "cpu"), steps=True)


def test_a_decoder_of_the_other_manner_is_refused_whatever_the_model():
    for manner, decoder in (("ar", "mask_predict"), ("nar", "beam")):
        with pytest.raises(InputError, match=f"decoder: {decoder} decodes as (ar|nar), not as {manner}"):
            Decoding.of(manner=manner, decoder=decoder)


def test_a_setting_of_another_type_is_refused():
    for settings in ({"passes": "three"}, {"passes": 2.5}, {"passes": True}, {"repredict": 1}):
        with pytest.raises(InputError, match="is no (int|bool); give one such as"):
            Decoding.of(manner="nar", **settings)
    assert Decoding.of(manner="ar", lenpen=1).settings.lenpen == 1
    # As in a config, where YAML reads 5e-1 as text.
    assert Decoding.of(manner="ar", lenpen="5e-1", beam="3").settings.lenpen == 0.5
