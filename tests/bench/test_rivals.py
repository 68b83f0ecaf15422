"""The rival decodes the same model: the same words, greedily, as this engine."""

import pytest
import torch

from janus.bench.decoding import _sentences
from janus.bench.rivals import ctranslate2_decoder, has_ctranslate2, symbol
from janus.bench.workshop import Scale
from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.vocabulary import make_source
from janus.plugin.models import core_of


@pytest.mark.skipif(not has_ctranslate2(), reason="CTranslate2 is not installed; the benchmark runs without it")
def test_ctranslate2_computes_the_same_model():
    torch.manual_seed(3)
    scale = Scale(words=300, dimension=64, ffn=128, layers=2, heads=4)
    model = core_of(scale.fairseq("transformer_iwslt_de_en")[0].eval())
    with torch.no_grad():
        # Fresh weights give nearly even probabilities, in which rounding would decide.
        for weight in model.parameters():
            weight.mul_(2.5)
    batches = _sentences(300, 2, 4)
    theirs = ctranslate2_decoder(model, batches, words=10, beam=1)
    settings = BeamSettings(beam=1, max_len_b=10, shortest=10)
    for i, batch in enumerate(batches):
        ours = beam_search(model, make_source(batch, "cpu"), settings)
        words = [[symbol(token) for token in hypotheses[0].tokens.tolist()[:-1]] for hypotheses in ours]
        assert [result.hypotheses[0] for result in theirs(i)] == words
