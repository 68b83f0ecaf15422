"""Re-scoring by an autoregressive model: its score, its choice by enumeration, and its independence of the batch."""

import pytest
import torch
from fairseq.sequence_generator import SequenceGenerator
from fairseq_models import REMEMBERED, build, fairseq_sample, sources

from janus.config.systems import decoding_settings, validation_decodings
from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.decoding import Decoding
from janus.decoding.length_beam import LengthBeam, blank_canvas, length_candidates
from janus.decoding.one_pass import OnePassSettings, candidates, one_pass
from janus.decoding.rescored import RescoredSettings, mean_log_probs, rank, rescored, source_for
from janus.decoding.vocabulary import make_source
from janus.errors import InputError
from janus.plugin.models import core_of


@pytest.fixture(scope="module")
def nar():
    core = core_of(build("janus_transformer")[0])
    with torch.no_grad():
        core.decoder.embed_length.weight[24:] = 0
    return core


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    """Another model, its checkpoint."""
    model, _ = build("janus_transformer")
    torch.manual_seed(8)
    for weights in model.parameters():
        weights.data += 0.02 * torch.randn_like(weights)
    path = tmp_path_factory.mktemp("scorer") / "averaged.pt"
    torch.save({"cfg": {"model": REMEMBERED}, "model": model.state_dict()}, path)
    return core_of(model).eval(), str(path)


@pytest.mark.parametrize("arch", ["transformer", "janus_transformer"])
@torch.no_grad()
def test_the_score_is_that_of_beam_search(arch):
    core = core_of(build(arch)[0])
    source = make_source(sources(6, bos=core.config.source_bos), "cpu")
    found = beam_search(core, source, BeamSettings(beam=4, max_len_b=15))
    texts = [one.tokens for hypotheses in found for one in hypotheses]
    owner = torch.arange(6).repeat_interleave(4)
    scores = mean_log_probs(core, source, texts, owner)
    assert scores.tolist() == pytest.approx([one.score for own in found for one in own], abs=1e-5)


@torch.no_grad()
def test_the_score_is_that_of_fairseqs_beam_search():
    model, words = build("transformer")
    sentences = sources(5, bos=False)
    theirs = SequenceGenerator([model], words, beam_size=3, max_len_a=0, max_len_b=15).generate(
        [model], fairseq_sample(sentences)
    )
    texts = [one["tokens"] for hypotheses in theirs for one in hypotheses]
    scores = mean_log_probs(core_of(model), make_source(sentences, "cpu"), texts, torch.arange(5).repeat_interleave(3))
    expected = [float(one["score"]) for hypotheses in theirs for one in hypotheses]
    assert scores.tolist() == pytest.approx(expected, abs=1e-4)


def test_one_candidate_is_plain_decoding(nar, scorer):
    source = make_source(sources(7, bos=True), "cpu")
    plain = one_pass(nar, source, OnePassSettings(length_beam=1))
    asked = rescored(nar, source, RescoredSettings(length_beam=1, rescore=scorer[1]))
    assert [h[0].tokens.tolist() for h in asked] == [h[0].tokens.tolist() for h in plain]


def test_without_a_scorer_the_own_scores_choose(nar):
    source = make_source(sources(7, bos=True), "cpu")
    plain = one_pass(nar, source, OnePassSettings(length_beam=5))
    own = rescored(nar, source, RescoredSettings(length_beam=5))
    assert [h[0].tokens.tolist() for h in own] == [h[0].tokens.tolist() for h in plain]
    assert [len(h) for h in own] == [5] * 7 and [len(h) for h in plain] == [1] * 7


@torch.no_grad()
def test_it_chooses_what_enumeration_chooses(nar, scorer):
    """Each length decoded alone, scored word by word by the cached decoder of beam search."""
    sentences = sources(6, bos=True)
    chosen = rescored(nar, make_source(sentences, "cpu"), RescoredSettings(length_beam=5, rescore=scorer[1]))
    plain = one_pass(nar, make_source(sentences, "cpu"), OnePassSettings(length_beam=5))
    assert [h[0].tokens.tolist() for h in chosen] != [h[0].tokens.tolist() for h in plain]
    for sentence, hypotheses in zip(sentences, chosen):
        source = make_source([sentence], "cpu")
        found = candidates(nar, source, OnePassSettings(length_beam=5))[0]
        _, encoded = nar.encode(source)
        lengths = length_candidates(nar, encoded, source, LengthBeam(length_beam=5))[0]
        assert sorted(one.tokens.numel() for one in found) == sorted(lengths.tolist())
        scores = [step_by_step(scorer[0], source, one.tokens) for one in found]
        best = max(range(5), key=scores.__getitem__)
        assert hypotheses[0].tokens.tolist() == found[best].tokens.tolist()
        assert hypotheses[0].score == pytest.approx(scores[best], abs=1e-5)


def step_by_step(model, source, tokens):
    from janus.model.incremental import IncrementalDecoder

    config = model.config
    words = [t for t in tokens.tolist() if t not in (config.bos, config.pad, config.eos)] + [config.eos]
    decoder, total, before = IncrementalDecoder(model, model.encode(source)[0]), 0.0, config.bos
    for index, word in enumerate(words):
        total += float(decoder.step(torch.tensor([before]), index).log_softmax(-1)[0, word])
        before = word
    return total / len(words)


@pytest.mark.slow
def test_batch_of_one_equals_batch_of_all(nar, scorer):
    sentences, settings = sources(9, bos=True), RescoredSettings(length_beam=3, rescore=scorer[1])
    together = rescored(nar, make_source(sentences, "cpu"), settings)
    for sentence, expected in zip(sentences, together):
        [alone] = rescored(nar, make_source([sentence], "cpu"), settings)
        assert [h.tokens.tolist() for h in alone] == [h.tokens.tolist() for h in expected]


@torch.no_grad()
def test_begin_and_end_symbols_of_a_candidate_are_no_words(nar):
    source, owner = make_source(sources(1, bos=True), "cpu"), torch.tensor([0, 0])
    plain, strange = torch.tensor([0, 5, 6, 2]), torch.tensor([2, 5, 0, 6, 2, 1])
    one, other = mean_log_probs(nar, source, [plain, strange], owner).tolist()
    assert one == pytest.approx(other, abs=1e-6)


def test_equal_candidates_stay_in_their_order(nar):
    source = make_source(sources(1, bos=True), "cpu")
    [found] = candidates(nar, source, OnePassSettings(length_beam=1))
    first, second = rank(nar, source, [[found[0], found[0]]])[0]
    assert first.score == second.score and blank_canvas(torch.tensor([3]), nar).tolist() == [[0, 3, 2]]


def test_sources_are_read_with_bos_or_without():
    with_bos, without = (core_of(build(arch)[0]).config for arch in ("janus_transformer", "transformer"))
    sentences = sources(4, bos=True)
    given, bare = make_source(sentences, "cpu"), make_source([one[1:] for one in sentences], "cpu")
    for one, other in ((source_for(given, with_bos, without), bare), (source_for(bare, without, with_bos), given)):
        assert torch.equal(one.token, other.token) and torch.equal(one.position, other.position)
    assert source_for(given, with_bos, with_bos) is given


def test_a_text_that_the_scorer_cannot_read_is_refused(nar):
    source = make_source(sources(1, bos=True), "cpu")
    with pytest.raises(InputError, match="a candidate of 102 tokens, the model that scores it reads at most 64"):
        mean_log_probs(nar, source, [torch.full((100,), 5)], torch.tensor([0]))


def test_a_scorer_of_other_words_is_refused(nar, tmp_path, scorer):
    small = build("janus_transformer")[0]
    state = {"cfg": {"model": REMEMBERED}, "model": small.state_dict()}
    for name in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight"):
        if name in state["model"]:
            state["model"][name] = state["model"][name][:-1]
    torch.save(state, tmp_path / "small.pt")
    source = make_source(sources(2, bos=True), "cpu")
    with pytest.raises(InputError, match="train both on the same corpus"):
        rescored(nar, source, RescoredSettings(rescore=str(tmp_path / "small.pt")))


def test_a_config_names_a_system_and_validation_asks_none():
    system = {"method": "glat", "manners": ["nar"], "decoding": {}}
    block = {"decoder": "rescored", "rescore": "transformer-core", "length_beam": 7, "beam": 5}
    run = {"decoding": block, "training": {"valid_bleu_passes": 5}}
    found = decoding_settings(system, run, manner="nar")
    assert found == {"manner": "nar", "method": "glat", "decoder": "rescored", "rescore": "transformer-core"} | {
        "length_beam": 7
    }
    assert Decoding.of(**found).checkpoints.keys() == {"rescore"} and Decoding.of(**found).key == "nar-1"
    [validation] = validation_decodings(system, run)
    assert validation["rescore"] == "" and Decoding.of(**validation).checkpoints == {}
