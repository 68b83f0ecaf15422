"""Beam search against fairseq's generator on fairseq's own Transformer, and its independence of the batch."""

import pytest
import torch
from fairseq.sequence_generator import SequenceGenerator
from fairseq_models import build, fairseq_sample, sources

from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.vocabulary import make_source
from janus.errors import InputError
from janus.plugin.models import core_of

LEARNED = {"encoder_learned_pos": True, "decoder_learned_pos": True}


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("penalty", [1.0, 0.6])
@pytest.mark.parametrize("options", [{}, LEARNED, {"encoder_layers": 3, "decoder_layers": 1}])
def test_equals_fairseq(beam, penalty, options):
    model, words = build("transformer", **options)
    sentences = sources(11, bos=False)
    theirs = SequenceGenerator([model], words, beam_size=beam, len_penalty=penalty, max_len_a=0, max_len_b=20).generate(
        [model], fairseq_sample(sentences)
    )
    ours = beam_search(
        core_of(model), make_source(sentences, "cpu"), BeamSettings(beam=beam, lenpen=penalty, max_len_b=20)
    )
    for mine, reference in zip(ours, theirs, strict=True):
        assert [h.tokens.tolist() for h in mine] == [h["tokens"].tolist() for h in reference]
        for hypothesis, other in zip(mine, reference):
            torch.testing.assert_close(hypothesis.token_scores, other["positional_scores"], rtol=1e-4, atol=1e-4)
            assert hypothesis.score == pytest.approx(float(other["score"]), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["transformer", "janus_transformer"])
def test_batch_of_one_equals_batch_of_all(arch):
    model, _ = build(arch)
    core, settings = core_of(model), BeamSettings(beam=4, max_len_a=1.5, max_len_b=4)
    sentences = sources(17, bos=core.config.source_bos)
    together = beam_search(core, make_source(sentences, "cpu"), settings)
    for sentence, expected in zip(sentences, together):
        [alone] = beam_search(core, make_source([sentence], "cpu"), settings)
        assert [h.tokens.tolist() for h in alone] == [h.tokens.tolist() for h in expected]


def test_bounds_hold_for_each_sentence():
    model, _ = build("janus_transformer")
    sentences = sources(9, bos=True)
    settings = BeamSettings(beam=3, max_len_a=1.0, max_len_b=2, shortest=4)
    for sentence, hypotheses in zip(sentences, beam_search(core_of(model), make_source(sentences, "cpu"), settings)):
        assert hypotheses
        for hypothesis in hypotheses:
            assert 4 <= hypothesis.tokens.numel() - 1 <= len(sentence) + 2
            assert hypothesis.tokens[-1] == 2
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)


def fond_of(symbol: int, margin: float, size: int = 30):
    """fairseq's Transformer, its output table untied, with one symbol that is often the best by about `margin`."""
    model, words = build("transformer", size=size, share_all_embeddings=False)
    with torch.no_grad():
        # Along the mean of what the decoder writes, so that most places have a taste for it.
        model.decoder.output_projection.weight[symbol] += margin * model.decoder.layers[-1].final_layer_norm.bias
    return model, words


@pytest.mark.parametrize("shortest", [0, 1, 2, 6])
@pytest.mark.parametrize("beam", [1, 4])
def test_the_least_length_is_fairseqs(shortest, beam):
    """On a model that would rather say nothing, so that the bound decides where outputs end."""
    model, words = fond_of(2, 8.0)
    sentences = sources(11, bos=False)
    theirs = SequenceGenerator(
        [model], words, beam_size=beam, min_len=shortest, max_len_a=0, max_len_b=9, normalize_scores=False
    ).generate([model], fairseq_sample(sentences))
    settings = BeamSettings(beam=beam, lenpen=0.0, max_len_b=9, shortest=shortest)
    ours = beam_search(core_of(model), make_source(sentences, "cpu"), settings)
    for mine, reference in zip(ours, theirs, strict=True):
        assert [h.tokens.tolist() for h in mine] == [h["tokens"].tolist() for h in reference]
    lengths = [h.tokens.numel() - 1 for hypotheses in ours for h in hypotheses]
    assert min(lengths) == shortest, "eos is not counted"


def test_padding_is_never_written():
    """fairseq bans it too; here it is the symbol the model likes best."""
    model, words = fond_of(1, 20.0)
    sentences = sources(11, bos=False)
    theirs = SequenceGenerator([model], words, beam_size=3, max_len_a=0, max_len_b=9).generate(
        [model], fairseq_sample(sentences)
    )
    ours = beam_search(core_of(model), make_source(sentences, "cpu"), BeamSettings(beam=3, max_len_b=9))
    for mine, reference in zip(ours, theirs, strict=True):
        assert [h.tokens.tolist() for h in mine] == [h["tokens"].tolist() for h in reference]
        assert not any(h.tokens.eq(1).any() for h in mine)


@pytest.mark.parametrize("beam", [1, 3])
def test_the_greatest_length_is_fairseqs(beam):
    """max_len_a * source + max_len_b, cut to a whole number; fairseq's source is the batch's longest, here each."""
    model, words = fond_of(2, -8.0)
    sentences = [s for s in sources(60, bos=False) if len(s) == 8]
    assert len(sentences) > 2
    theirs = SequenceGenerator([model], words, beam_size=beam, max_len_a=0.7, max_len_b=2).generate(
        [model], fairseq_sample(sentences)
    )
    settings = BeamSettings(beam=beam, max_len_a=0.7, max_len_b=2)
    ours = beam_search(core_of(model), make_source(sentences, "cpu"), settings)
    assert {h.tokens.numel() for hypotheses in ours for h in hypotheses} == {8}, "int(0.7 * 8 + 2) and eos"
    for mine, reference in zip(ours, theirs, strict=True):
        assert [h.tokens.tolist() for h in mine] == [h["tokens"].tolist() for h in reference]


@pytest.mark.parametrize("shortest", [0, 1])
@pytest.mark.parametrize("beam", [4, 9])
@pytest.mark.parametrize("margin", [0.0, 8.0])
def test_a_beam_as_wide_as_the_dictionary_is_fairseqs(beam, shortest, margin):
    """There are fewer continuations than places for them, and some of these end: their places close."""
    model, words = fond_of(2, margin, size=2)
    sentences = [[4, 5, 2], [5, 2], [5, 5, 4, 4, 2]]
    theirs = SequenceGenerator([model], words, beam_size=beam, max_len_a=0, max_len_b=5, min_len=shortest).generate(
        [model], fairseq_sample(sentences)
    )
    settings = BeamSettings(beam=beam, max_len_b=5, shortest=shortest)
    ours = beam_search(core_of(model), make_source(sentences, "cpu"), settings)
    for mine, reference in zip(ours, theirs, strict=True):
        assert [h.tokens.tolist() for h in mine] == [h["tokens"].tolist() for h in reference]


@pytest.mark.parametrize("arch", ["transformer", "janus_transformer"])
def test_the_positions_of_the_model_bound_an_output(arch):
    """The query of the last step stands one place ahead, so bos, tokens and eos fill the positions exactly."""
    options = {} if arch == "transformer" else {"query_position": "own"}
    model, _ = build(arch, max_target_positions=9, **LEARNED, **options)
    core = core_of(model)
    with torch.no_grad():
        core.decoder.output_projection.weight[2] -= 50 * core.decoder.layers[-1].final_layer_norm.bias
    settings = BeamSettings(beam=2, max_len_b=200)
    for hypotheses in beam_search(core, make_source(sources(5, bos=core.config.source_bos), "cpu"), settings):
        assert max(h.tokens.numel() for h in hypotheses) == 8


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"beam": 0}, "beam: 0 is too small; use 1 or more"),
        ({"max_len_b": 0}, "max_len_b: 0 is too small; use 1 or more"),
        ({"max_len_b": 3, "shortest": 4}, "max_len_b: 3 is too small; use 4 or more"),
        ({"max_len_a": -1.0}, "max_len_a: -1.0 is too small"),
        ({"max_len_a": float("nan")}, "max_len_a: nan is too small"),
    ],
)
def test_bounds_that_no_output_keeps_are_refused(wrong, complaint):
    """Or no hypothesis would be found, which is blamed on the model's probabilities."""
    with pytest.raises(InputError, match=complaint):
        BeamSettings(**wrong)
