"""CTC and GLAT+CTC against the numbers of GLAT's code, CTC with DSLP against those of its authors' code, and laws."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from golden_zoo import SYMBOLS, check_gradients, close, golden_model, golden_shape, read_golden

from janus.decoding.decoding import Decoding
from janus.methods.base.batch import rows_of, source_of
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.ctc import Targets, glanced_cells, show, targets_loss
from janus.model.ragged import Source
from janus.noise.masks import batch_generator
from kernels.ctc import best_alignment
from kernels.label_scores import label_scores

GLAT, DSLP = read_golden("ctc"), read_golden("dslp")
TRAIN, VALID = (Step(update=0, smoothing=0.1, training=training) for training in (True, False))
CELLS = GLAT["prev"].ne(1)
NONE = torch.zeros(int(CELLS.sum()), dtype=torch.bool)
LAYERWISE = {"layerwise": True, "mixed": 0.3, "average_over": "sentences", "scale_words": True}
# In DSLP's dictionary; its aligner takes the padding symbol for the blank.
BLANK, MASK, ALIGNER = 4, 5, 1


def made(options: dict, golden: dict, **shape):
    method = make_method("ctc", options)
    words = golden["param.encoder.embed_tokens.weight"].size(0)
    return method, golden_model(method, golden_shape(words, **shape), golden)


@pytest.fixture
def plain():
    return made({}, GLAT)


@pytest.fixture
def layerwise():
    return made(LAYERWISE, DSLP, decoder_layers=3)


def packed_of(method, golden, draw=None):
    """The golden batch, with the uniform numbers [B, W] that were drawn there."""
    packed = method.pack(golden["src"], golden["tgt"], SYMBOLS, batch_generator(1))
    if draw is not None:
        packed["draws"]["glance"] = draw[CELLS]
    return packed


def layers_of(model, packed, rows):
    """Logits [P, V] of each layer."""
    return [model.project(hidden) for hidden in model(source_of(packed["source"]), rows).layers]


def alignment(model, packed, rows, blank: int | None = None):
    """Best alignment [P] and predictions [P] of the last layer; blank: the symbol that the aligner takes for it."""
    targets = Targets(**packed["targets"])
    labels = targets.labels.clone()
    if blank is not None:
        labels[:, 0] = blank
    hidden = model(source_of(packed["source"]), rows).layers[-1]
    scores, _, word, _ = label_scores(hidden, model.decoder.output_projection.weight, rows.sentence, labels)
    return best_alignment(scores, rows.sentence, targets.columns, targets.lengths), word


def test_the_canvas_and_the_logits(plain):
    method, model = plain
    packed = packed_of(method, GLAT)
    rows = rows_of(packed["streams"])
    assert torch.equal(rows.token, GLAT["prev"][CELLS])
    assert torch.equal(torch.bincount(rows.sentence), GLAT["upsampled_lengths"])
    (logits,) = layers_of(model, packed, rows)
    close(logits, GLAT["logits"][CELLS])


@pytest.mark.parametrize(
    ("options", "smoothing", "expected"),
    [
        ({}, 0.0, "loss_no_smoothing"),
        ({}, 0.1, "loss_smoothed"),
        ({"average_over": "sentences"}, 0.0, "loss_mean_over_target_lengths"),
    ],
)
def test_the_loss(options, smoothing, expected):
    method, model = made(options, GLAT)
    loss = method.loss(model, packed_of(method, GLAT), Step(update=0, smoothing=smoothing, training=True))
    close(loss.total, GLAT[expected])
    close(loss.terms["ctc"], GLAT["loss_no_smoothing"])
    assert loss.terms["unfit"] == 0


def test_the_gradients(plain):
    method, model = plain
    method.loss(model, packed_of(method, GLAT), TRAIN).total.backward()
    check_gradients(model, GLAT, "grad.", 3)


def test_the_best_alignment_and_what_is_shown(plain):
    method, model = plain
    packed = packed_of(method, GLAT, GLAT["glat_draw"])
    rows, targets = rows_of(packed["streams"]), Targets(**packed["targets"])
    state, word = alignment(model, packed, rows)
    assert torch.equal(state, GLAT["best_alignment"][CELLS])
    # Of the blank after the last word, GLAT's code takes the word that padding puts there, unless the batch ends there.
    beyond = (state == 2 * targets.lengths[rows.sentence]) & (targets.lengths[rows.sentence] < 10)
    oracle = targets.words(state, rows.sentence)
    assert oracle[beyond].tolist() == [2] and GLAT["glat_oracle"][CELLS][beyond].tolist() == [1]
    assert torch.equal(oracle[~beyond], GLAT["glat_oracle"][CELLS][~beyond])
    shown = glanced_cells(rows, targets, state, word, packed["draws"]["glance"], 0.5)
    assert torch.equal(shown, GLAT["glat_keep"][CELLS])
    second = show(rows, targets, state, shown, NONE)
    assert torch.equal(second.token[~beyond], GLAT["glat_input"][CELLS][~beyond])


def test_the_second_pass_of_a_sentence_without_padding(plain):
    """The release overwrites padding cells of shorter sentences, which become visible (their logits are not met)."""
    _, model = plain
    packed = packed_of(plain[0], GLAT)
    rows = rows_of(packed["streams"]).with_tokens(GLAT["glat_input"][CELLS])
    (logits,) = layers_of(model, packed, rows)
    close(logits[rows.sentence == 0], GLAT["glat_logits"][0])
    assert float((logits.detach() - GLAT["glat_logits"][CELLS]).abs().max()) > 1e-2


def test_the_loss_with_glances_is_that_of_the_second_pass():
    method, model = made({"glance_first": 0.5}, GLAT)
    packed = packed_of(method, GLAT, GLAT["glat_draw"])
    # Where that code has padding on the canvas, after the last word, this method has the last word, eos.
    canvas = GLAT["glat_input"][CELLS]
    rows = rows_of(packed["streams"]).with_tokens(torch.where(canvas == 1, 2, canvas))
    states = model(source_of(packed["source"]), rows)
    expected, _ = targets_loss(states, rows.sentence, Targets(**packed["targets"]), 0.1, "cells")
    close(method.loss(model, packed, TRAIN).total, expected)
    assert not torch.isclose(method.loss(model, packed, VALID).total, expected)


def test_decodes(plain):
    """All but the last blank of the longest sentence, which the golden batch does not have."""
    source = Source.of(GLAT["src"], 1)
    outputs = Decoding.of(manner="nar", method="ctc").decode(plain[1].eval(), source)
    assert GLAT["decode_argmax"][0, -1] != 3
    for [hypothesis], expected in zip(outputs, GLAT["decode_tokens"], strict=True):
        assert hypothesis.tokens.tolist() == expected[expected.ne(1)].tolist()


def test_layers_alignment_and_losses_of_mixed_training(layerwise):
    """DSLP's own blank and mask, and its aligner that takes padding for the blank; none of them is in the method."""
    method, model = layerwise
    packed = packed_of(method, DSLP)
    packed["targets"]["labels"][:, 0] = BLANK
    rows, targets = rows_of(packed["streams"]), Targets(**packed["targets"])
    for number, logits in enumerate(layers_of(model, packed, rows)):
        close(logits, DSLP[f"ctc.first_logits_layer{number}"][CELLS])
    state, _ = alignment(model, packed, rows, blank=ALIGNER)
    assert torch.equal(state, DSLP["ctc.best_alignment"][CELLS])
    second = show(rows, targets, state, NONE, ~NONE)
    assert torch.equal(torch.where(second.given == BLANK, MASK, second.given), DSLP["ctc.oracle"][CELLS])
    given = torch.where(DSLP["ctc.gold_mixed"], DSLP["ctc.oracle"], -1)[CELLS]
    mixed = replace(second, given=given)
    states = model(source_of(packed["source"]), mixed)
    for number, hidden in enumerate(states.layers):
        close(model.project(hidden), DSLP[f"ctc.logits_layer{number}"][CELLS])
    total, _ = targets_loss(states, rows.sentence, targets, 0.0, "sentences")
    close(total, DSLP["ctc.loss_total"])
    total.backward()
    check_gradients(model, DSLP, "ctc.grad.", 4)


def test_the_blank_of_the_loss_aligns_otherwise(layerwise):
    """What this suite does instead of the golden code: the aligner has the blank of the loss."""
    method, model = layerwise
    packed = packed_of(method, DSLP)
    state, _ = alignment(model, packed, rows_of(packed["streams"]), blank=BLANK)
    assert not torch.equal(state, DSLP["ctc.best_alignment"][CELLS])


def test_a_training_step_mixes_what_its_draws_say(layerwise):
    method, model = layerwise
    packed = packed_of(method, DSLP)
    packed["draws"]["mixed"] = torch.where(DSLP["ctc.gold_mixed"][CELLS], 0.0, 0.9)
    rows, targets = rows_of(packed["streams"]), Targets(**packed["targets"])
    state, _ = alignment(model, packed, rows)
    mixed = show(rows, targets, state, NONE, DSLP["ctc.gold_mixed"][CELLS])
    states = model(source_of(packed["source"]), mixed)
    expected, _ = targets_loss(states, rows.sentence, targets, 0.1, "sentences")
    close(method.loss(model, packed, TRAIN).total, expected)
    assert not torch.isclose(method.loss(model, packed, VALID).total, expected)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_the_loss_is_torchs_on_the_whole_vocabulary(factor):
    """Also where targets do not fit into their cells."""
    method, model = made({"factor": factor}, GLAT)
    packed = packed_of(method, GLAT)
    rows = rows_of(packed["streams"])
    (logits,) = layers_of(model, packed, rows)
    cells = torch.bincount(rows.sentence)
    grid = torch.nn.utils.rnn.pad_sequence(logits.log_softmax(1).split(cells.tolist()))
    lengths = GLAT["tgt"].ne(1).sum(1)
    nll = F.ctc_loss(grid, GLAT["tgt"], cells, lengths, 3, reduction="none", zero_infinity=True)
    loss = method.loss(model, packed, Step(update=0, smoothing=0.0, training=True))
    close(loss.total, nll.sum() / cells.sum())
    assert loss.terms["unfit"] == nll.eq(0).float().mean() == (0.25 if factor == 1 else 0)


def test_nothing_is_shown_of_a_target_that_does_not_fit():
    method, model = made({"factor": 1, "glance_first": 1.0}, GLAT)
    packed = packed_of(method, GLAT)
    rows, targets = rows_of(packed["streams"]), Targets(**packed["targets"])
    state, word = alignment(model, packed, rows)
    shown = glanced_cells(rows, targets, state, word, torch.zeros_like(packed["draws"]["glance"]), 1.0)
    assert state[rows.sentence == 1].eq(-1).all() and not shown[rows.sentence == 1].any()
    assert shown[rows.sentence == 0].any()
    assert method.loss(model, packed, TRAIN).total.isfinite()


def test_every_cell_has_a_position():
    """The longest source that the model reads fits on the canvas."""
    method = make_method("ctc", {"factor": 3})
    config = method.configure(golden_shape(24))
    assert config.target_positions == 3 * config.source_positions and config.length == "none"


@pytest.mark.parametrize("options", [{}, LAYERWISE])
def test_a_sentence_alone_has_the_logits_and_the_output_of_the_batch(options):
    golden = DSLP if options else GLAT
    method, model = made(options, golden, decoder_layers=3 if options else 2)
    whole = packed_of(method, golden)
    rows = rows_of(whole["streams"])
    together = layers_of(model.eval(), whole, rows)
    decoding = Decoding.of(manner="nar", method="ctc")
    outputs = decoding.decode(model, Source.of(golden["src"], 1))
    for b, length in enumerate(golden["tgt"].ne(1).sum(1).tolist()):
        source = golden["src"][b : b + 1, golden["src"][b].ne(1)]
        alone = method.pack(source, golden["tgt"][b : b + 1, :length], SYMBOLS, batch_generator(1))
        for one, other in zip(layers_of(model, alone, rows_of(alone["streams"])), together, strict=True):
            close(one, other[rows.sentence == b])
        assert decoding.decode(model, Source.of(source, 1))[0][0].tokens.tolist() == outputs[b][0].tokens.tolist()
