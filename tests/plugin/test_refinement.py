"""fairseq's NAR models behind the driver: what it decodes is what fairseq-generate decodes, sentence by sentence."""

import json
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq.iterative_refinement_generator import IterativeRefinementGenerator
from fairseq_models import build, fairseq_sample, sources
from fairseq_training import run

from janus.decoding.decoding import Decoding
from janus.decoding.driver import best_hypotheses, decode_file
from janus.decoding.vocabulary import make_source, pad_batch
from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.methods.base.loading import load_model
from janus.methods.base.method import Training
from janus.methods.base.registry import make_method
from janus.model.checkpoints import read_checkpoint
from janus.model.ragged import Source
from janus.plugin.generators import Generator
from janus.plugin.refinement import FairseqModel, left_padded

PLUGIN = Path(__file__).parents[2] / "janus" / "plugin"
# The options of each method beside its defaults: the toy dictionary is smaller than the field's beam.
METHODS = {
    "fairseq_nat": {},
    "fairseq_crf": {"crf_beam": 8, "crf_rank": 4},
    "fairseq_iterative": {"training_passes": 2},
    "fairseq_insertion": {},
    "fairseq_levenshtein": {},
}
MODEL = {"layers": 2, "embed_dim": 16, "ffn_dim": 16, "heads": 2, "init": "scaled", "length_classes": 256}
BUILT = {
    "fairseq_nat": ("nonautoregressive_transformer", {}),
    "fairseq_crf": ("nacrf_transformer", {"crf_beam_approx": 8, "crf_lowrank_approx": 4}),
    "fairseq_iterative": ("iterative_nonautoregressive_transformer", {}),
    "fairseq_insertion": ("insertion_transformer", {}),
    "fairseq_levenshtein": ("levenshtein_transformer", {"early_exit": "2,2,2"}),
}


def words_of(name, **changes):
    """The words of fairseq-train that the method adds to those of every training here."""
    validation = ({"manner": "nar", "method": name, **({} if "passes" in uses(name) else {"passes": 4})},)
    training = {"label_smoothing": 0.1, "valid_bleu_sentences": 6}
    sides = {"source": "aa", "target": "bb"}
    block = Training("task", MODEL | changes, training, {}, validation=validation, **sides)
    return make_method(name, METHODS[name]).arguments(block)


def uses(name):
    return make_method(name, {}).decoders["nar"].options


@pytest.fixture(scope="module", params=METHODS)
def checkpoint(request, training_options, tmp_path_factory):
    """A model of each method after some updates, and the method's name; its weights are shaken.

    After so few updates a model that inserts would insert nothing, and all outputs would be equal.
    """
    folder = tmp_path_factory.mktemp(request.param)
    run(training_options(folder, *words_of(request.param), "--max-update", "12"), folder)
    path = folder / "checkpoint_last.pt"
    state, generator = read_checkpoint(path), torch.Generator().manual_seed(1)
    for weights in state["model"].values():
        if weights.is_floating_point() and weights.dim() == 2:
            weights += 0.3 * torch.randn(weights.shape, generator=generator)
    torch.save(state, path)
    return request.param, path


def test_the_driver_equals_fairseq_generate(checkpoint, toy_corpus, tmp_path):
    name, path = checkpoint
    passes = uses(name).get("passes", 6)
    command = [sys.executable, "-m", "fairseq_cli.generate", str(toy_corpus / "bin"), "--user-dir", str(PLUGIN)]
    command += ["--task", "translation_lev", "--path", str(path), "--gen-subset", "test", "--cpu", "--max-tokens", "60"]
    command += ["--iter-decode-max-iter", str(passes - 1), "--required-batch-size-multiple", "1", "--print-step"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = dict(re.findall(r"^H-(\d+)\t[^\t]*\t(.*)$", printed, re.MULTILINE))
    steps = [int(n) for n in re.findall(r"^I-\d+\t(\d+)$", printed, re.MULTILINE)]
    decode_file(
        checkpoint=path,
        source=toy_corpus / "bpe/test.aa",
        dictionary=toy_corpus / "bin/dict.aa.txt",
        output=tmp_path / "out",
        batch_tokens=60,
        manner="nar",
        method=name,
        **({} if "passes" in uses(name) else {"passes": passes}),
    )
    ours = read_lines(tmp_path / "out")
    assert len(expected) == 15 and [expected[str(i)] for i in range(15)] == ours
    assert len(set(ours)) > 1, "or nothing was compared"
    # fairseq counts from 0.
    taken = read_json(tmp_path / "out.json")["passes_taken"]
    assert len(steps) == 15
    assert taken == {"mean": pytest.approx(sum(steps) / 15 + 1), "most": max(steps) + 1}


def test_validation_bleu_is_that_of_the_driver(checkpoint):
    """It was computed in training, by the same path."""
    name, path = checkpoint
    state = read_checkpoint(path)
    model = load_model(path, bridge=make_method(name, {}).bridge)
    decoding = Decoding.of(manner="nar", method=name)
    generator = Generator(decoding, {0, 2})
    sentences = [[0, 5, 6, 7, 2], [0, 9, 4, 2]]
    outputs = generator.generate([model.model], {"net_input": {"src_tokens": pad_batch(sentences)}})
    ours = best_hypotheses(model, sentences, decoding, "cpu")
    assert [one[0]["tokens"].tolist() for one in outputs] == [one.tokens.tolist() for one in ours]
    assert state["cfg"]["task"]["valid_bleu_sentences"] == 6


@pytest.mark.parametrize("name", METHODS)
def test_a_sentence_alone_is_decoded_as_in_a_batch(name):
    arch, options = BUILT[name]
    model, _ = build(arch, encoder_learned_pos=True, decoder_learned_pos=True, max_target_positions=256, **options)
    sentences = sources(9, bos=True)
    decoding = Decoding.of(manner="nar", method=name, **({} if "passes" in uses(name) else {"passes": 4}))
    together = best_hypotheses(FairseqModel(model), sentences, decoding, "cpu")
    for sentence, expected in zip(sentences, together, strict=True):
        [alone] = best_hypotheses(FairseqModel(model), [sentence], decoding, "cpu")
        assert alone.tokens.tolist() == expected.tokens.tolist()
        assert (alone.passes, alone.score) == (expected.passes, pytest.approx(expected.score, abs=1e-4))


@pytest.mark.parametrize("name", ["fairseq_insertion", "fairseq_levenshtein"])
def test_where_fairseq_would_leave_the_positions_nothing_is_inserted(name):
    arch, options = BUILT[name]
    learned = {"encoder_learned_pos": True, "decoder_learned_pos": True}
    sentences = sources(9, bos=True)
    small, words = build(arch, max_target_positions=24, **learned, **options)
    large, _ = build(arch, max_target_positions=4096, **learned, **options)
    large.load_state_dict(
        small.state_dict()
        | {
            "decoder.embed_positions.weight": torch.cat(
                [small.decoder.embed_positions.weight, torch.zeros(4096 - 24, 32)]
            )
        }
    )
    with pytest.raises(IndexError, match="out of range"):
        IterativeRefinementGenerator(words, max_iter=9).generate([small], fairseq_sample(sentences))
    decoding = Decoding.of(manner="nar", method=name, passes=10)
    for one in best_hypotheses(FairseqModel(small), sentences, decoding, "cpu"):
        assert 2 <= one.tokens.numel() <= 24
    # The first pass of a wide table is fairseq's, and that of a narrow one where it fits.
    first = Decoding.of(manner="nar", method=name, passes=1)
    one_by_one = IterativeRefinementGenerator(words, max_iter=0)
    theirs = [one_by_one.generate([large], fairseq_sample([sentence]))[0] for sentence in sentences]
    ours = best_hypotheses(FairseqModel(small), sentences, first, "cpu")
    fits = [len(reference["tokens"]) <= 24 for [reference] in theirs]
    assert any(fits)
    for one, [reference], fit in zip(ours, theirs, fits, strict=True):
        assert not fit or one.tokens.tolist() == reference["tokens"].tolist()
    assert "forward_mask_ins" not in vars(small.decoder) and "forward_word_ins" not in vars(small.decoder)


def test_where_a_first_pass_inserts_nothing_into_some_sentences():
    """fairseq looks for the attention of all; alone, each sentence is decoded."""
    arch, options = BUILT["fairseq_levenshtein"]
    model, words = build(arch, max_target_positions=4096, **options)
    with torch.no_grad():
        # Of inserting something, so that inserting nothing is sometimes the best.
        model.decoder.embed_mask_ins.weight[1:] *= 0.3
    sentences = sources(9, bos=True)
    alone = IterativeRefinementGenerator(words, max_iter=0)
    theirs = [alone.generate([model], fairseq_sample([sentence]))[0] for sentence in sentences]
    empty = [len(reference["tokens"]) == 2 for [reference] in theirs]
    assert any(empty) and not all(empty)
    with pytest.raises(IndexError, match="shape of the mask"):
        alone.generate([model], fairseq_sample(sentences))
    decoding = Decoding.of(manner="nar", method="fairseq_levenshtein", passes=1)
    ours = best_hypotheses(FairseqModel(model), sentences, decoding, "cpu")
    assert [one.tokens.tolist() for one in ours] == [reference["tokens"].tolist() for [reference] in theirs]


def test_sources_are_padded_as_fairseqs():
    sentences = sources(7, bos=True)
    expected = fairseq_sample(sentences)["net_input"]["src_tokens"]
    assert torch.equal(left_padded(make_source(sentences, "cpu"), 1), expected)
    assert torch.equal(left_padded(Source.of(expected, 1), 1), expected)


def test_a_model_of_this_suite_does_not_refine():
    model, _ = build("janus_transformer")
    with pytest.raises(InputError, match="does not refine outputs by itself"):
        Decoding.of(manner="nar", decoder="refinement").decode(model, make_source(sources(2, bos=True), "cpu"))


def test_a_model_without_lengths_has_no_length_candidates():
    arch, options = BUILT["fairseq_levenshtein"]
    model = FairseqModel(build(arch, **options)[0])
    decoding = Decoding.of(manner="nar", method="fairseq_levenshtein", length_beam=2)
    with pytest.raises(InputError, match="predicts no length"):
        decoding.decode(model, make_source(sources(2, bos=True), "cpu"))


def test_another_architecture_is_refused(tmp_path):
    model, _ = build("transformer")
    options = Namespace(arch="transformer")
    torch.save({"cfg": {"model": options}, "model": model.state_dict()}, tmp_path / "model.pt")
    with pytest.raises(InputError, match="'transformer' is no NAR model of fairseq"):
        load_model(tmp_path / "model.pt", bridge="janus.plugin.refinement")


def test_the_words_of_each_method_reach_fairseq():
    assert "--early-exit 1,1,1" in " ".join(words_of("fairseq_levenshtein", decoder_layers=1))
    assert "--crf-beam-approx 8" in " ".join(words_of("fairseq_crf"))
    iterative = " ".join(words_of("fairseq_iterative"))
    assert "--train-step 2 --dae-ratio 0.5 --stochastic-approx" in iterative
    assert "--label-tau" not in words_of("fairseq_insertion")
    assert json.loads(words_of("fairseq_nat")[words_of("fairseq_nat").index("--valid-decodings") + 1])


def test_numpy_has_the_name_that_fairseqs_field_uses():
    assert np.float is float
