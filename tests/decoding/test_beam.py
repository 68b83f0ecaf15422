"""Beam search against fairseq's generator on fairseq's own Transformer, and its independence of the batch."""

import pytest
import torch
from fairseq.sequence_generator import SequenceGenerator
from fairseq_models import build, fairseq_sample, sources

from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.vocabulary import make_source
from janus.plugin.models import core_of


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("penalty", [1.0, 0.6])
@pytest.mark.parametrize("options", [{}, {"encoder_learned_pos": True, "decoder_learned_pos": True}])
def test_equals_fairseq(beam, penalty, options):
    model, words = build("transformer", **options)
    sentences = sources(11, bos=False)
    theirs = SequenceGenerator([model], words, beam_size=beam, len_penalty=penalty, max_len_a=0, max_len_b=20).generate(
        [model], fairseq_sample(sentences)
    )
    ours = beam_search(
        core_of(model), make_source(sentences, "cpu"), BeamSettings(beam=beam, length_penalty=penalty, length_b=20)
    )
    for mine, reference in zip(ours, theirs, strict=True):
        assert [h.tokens.tolist() for h in mine] == [h["tokens"].tolist() for h in reference]
        for hypothesis, other in zip(mine, reference):
            torch.testing.assert_close(hypothesis.token_scores, other["positional_scores"], rtol=1e-4, atol=1e-4)
            assert hypothesis.score == pytest.approx(float(other["score"]), abs=1e-4)


@pytest.mark.parametrize("arch", ["transformer", "janus_transformer"])
def test_batch_of_one_equals_batch_of_all(arch):
    model, _ = build(arch)
    core, settings = core_of(model), BeamSettings(beam=4, length_a=1.5, length_b=4)
    sentences = sources(17, bos=core.config.source_bos)
    together = beam_search(core, make_source(sentences, "cpu"), settings)
    for sentence, expected in zip(sentences, together):
        [alone] = beam_search(core, make_source([sentence], "cpu"), settings)
        assert [h.tokens.tolist() for h in alone] == [h.tokens.tolist() for h in expected]


def test_bounds_hold_for_each_sentence():
    model, _ = build("janus_transformer")
    sentences = sources(9, bos=True)
    settings = BeamSettings(beam=3, length_a=1.0, length_b=2, shortest=4)
    for sentence, hypotheses in zip(sentences, beam_search(core_of(model), make_source(sentences, "cpu"), settings)):
        assert hypotheses
        for hypothesis in hypotheses:
            assert 4 <= hypothesis.tokens.numel() - 1 <= len(sentence) + 2
            assert hypothesis.tokens[-1] == 2
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)
