"""Models in half precision: what is made of their logits is computed and summed in single precision."""

import pytest
import torch
from fairseq_models import build, sources

from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.mask_predict import MaskPredictSettings, mask_predict
from janus.decoding.vocabulary import make_source
from janus.model.incremental import IncrementalDecoder
from janus.model.streams import pack_canvas
from janus.plugin.models import core_of


@pytest.fixture(params=[torch.bfloat16, torch.float16])
def core(request):
    return core_of(build("janus_transformer", encoder_learned_pos=True, decoder_learned_pos=True)[0]).to(request.param)


@torch.no_grad()
def test_beam_search(core):
    source = make_source(sources(1, bos=True), "cpu")
    [[hypothesis]] = beam_search(core, source, BeamSettings(beam=1, max_len_b=6))
    decoder, token = IncrementalDecoder(core, core.encode(source)[0]), core.config.bos
    for index, symbol in enumerate(hypothesis.tokens.tolist()):
        log_probs = torch.log_softmax(decoder.step(torch.tensor([token]), index)[0].double(), -1)
        # Scores are differences of sums.
        assert float(hypothesis.token_scores[index]) == pytest.approx(float(log_probs[symbol]), abs=2e-5)
        token = symbol
    assert hypothesis.token_scores.dtype == torch.float32


@torch.no_grad()
def test_mask_predict(core):
    source = make_source(sources(1, bos=True), "cpu")
    [hypothesis] = mask_predict(core, source, MaskPredictSettings(passes=1, length_beam=1))
    canvas = hypothesis.tokens[None].clone()
    canvas[0, 1:-1] = core.config.mask
    streams = pack_canvas(canvas, torch.tensor([0]), pad=1, mask=core.config.mask)
    logits = core.project(core.decoder(streams, core.encode(source)[0], streams.read["nar"].rows))
    log_probs = torch.log_softmax(logits.double(), -1).gather(1, hypothesis.tokens[1:-1, None])[:, 0]
    torch.testing.assert_close(hypothesis.token_scores[1:-1].double(), log_probs, rtol=0, atol=1e-5)
    assert hypothesis.token_scores.dtype == torch.float32
