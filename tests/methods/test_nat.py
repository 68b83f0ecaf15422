"""Vanilla NAT against fairseq's numbers, with DSLP against those of its authors' code, and their laws."""

from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from golden_zoo import SYMBOLS, check_gradients, close, golden_model, golden_shape, read_golden

from janus.decoding.decoding import Decoding
from janus.errors import InputError
from janus.methods.base.batch import rows_of, source_of
from janus.methods.base.canvas import drawn
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.nat import cells_loss, show
from janus.model.canvas import copied_rows
from janus.model.ragged import Source
from janus.model.rows import Read
from janus.noise.masks import batch_generator

NAT, DSLP = read_golden("nat"), read_golden("dslp")
TRAIN, VALID = (Step(update=0, smoothing=0.1, training=training) for training in (True, False))
LAYERWISE = {"layerwise": True, "length_of": "difference", "activation": "gelu"}
GLANCING = {"glance_first": 0.5}
PRESENT = DSLP["tgt"].ne(1)
ALL = torch.zeros(int(PRESENT.sum()), dtype=torch.bool)


def made(options: dict, golden: dict, **shape):
    method = make_method("nat", options)
    return method, golden_model(
        method, golden_shape(golden["param.encoder.embed_tokens.weight"].size(0), **shape), golden
    )


@pytest.fixture
def plain():
    return made({}, NAT)


@pytest.fixture
def copying():
    return made({"copies": True}, NAT)


@pytest.fixture
def layerwise():
    return made({**LAYERWISE, "mixed": 0.3}, DSLP, decoder_layers=3)


def packed_of(method, golden, draw=None):
    """The golden batch, with the uniform numbers [B, T] that were drawn there."""
    packed = method.pack(golden["src"], golden["tgt"], SYMBOLS, batch_generator(1))
    if draw is not None:
        packed["draws"] = dict.fromkeys(packed["draws"], draw[golden["tgt"].ne(1)])
    return packed


def layers_of(model, packed, rows):
    """Logits [P, V] of each layer at the cells that are read."""
    return [model.project(hidden) for hidden in model(source_of(packed["source"]), rows).layers]


def test_logits_loss_and_gradients_of_vanilla_nat(plain):
    method, model = plain
    packed = packed_of(method, NAT)
    (logits,) = layers_of(model, packed, rows_of(packed["streams"]))
    close(logits, NAT["plain.logits"][PRESENT])
    loss = method.loss(model, packed, TRAIN)
    close(loss.terms["nar"], NAT["plain.loss_word"])
    close(loss.terms["nar_nll"], NAT["plain.nll_word"])
    close(loss.terms["length"], NAT["plain.loss_length_raw"])
    close(loss.total, NAT["plain.loss_total"])
    loss.total.backward()
    check_gradients(model, NAT, "plain.grad.", 3)


@pytest.mark.parametrize("beam", [1, 5])
def test_decodes(plain, beam):
    decoding = Decoding.of(manner="nar", method="nat", length_beam=beam, shortest=0)
    outputs = decoding.decode(plain[1].eval(), Source.of(NAT["src"], 1))
    tokens = NAT[f"plain.decode_lb{beam}_tokens"]
    for [hypothesis], expected, score in zip(outputs, tokens, NAT[f"plain.decode_lb{beam}_score"], strict=True):
        length = hypothesis.tokens.numel()
        assert hypothesis.tokens.tolist() == expected[:length].tolist() and expected[length:].eq(1).all()
        assert hypothesis.score == pytest.approx(float(score), abs=1e-5)


def test_copies_of_the_source(copying):
    """fairseq copies from the padded source, so only its sentences without padding are right: 0, and 3 alone."""
    method, model = copying
    packed = packed_of(method, NAT)
    rows = rows_of(packed["streams"])
    (logits,) = layers_of(model, packed, rows)
    close(logits[rows.sentence == 0], NAT["copy.logits"][0][PRESENT[0]])
    close(logits[rows.sentence == 3], NAT["copy.logits_alone_sentence3"])
    assert float((logits.detach() - NAT["copy.logits"][PRESENT]).abs().max()) > 1


def test_copies_are_decoded(copying):
    """Sentence 0 has no padding in the golden batch."""
    (outputs, *_) = Decoding.of(manner="nar", method="nat", shortest=0).decode(
        copying[1].eval(), Source.of(NAT["src"], 1)
    )
    assert outputs[0].tokens.tolist() == NAT["copy.decode_lb1_tokens"][0].tolist()


def test_a_canvas_as_long_as_its_source_copies_each_word(copying):
    """And one of other length its first and last word at its ends."""
    method, _ = copying
    packed = packed_of(method, NAT)
    rows, source = rows_of(packed["streams"]), source_of(packed["source"])
    copied = source.token[copied_rows(rows, source.layout)]
    assert torch.equal(copied[rows.place == 0], torch.zeros(4, dtype=torch.long))
    assert copied[rows.sentence == 3].tolist() == source.token[source.layout.group == 3].tolist()
    assert copied[rows.sentence == 0].tolist() == NAT["src"][0, NAT["copy_index"][0, :8]].tolist()


def test_layers_and_losses_of_mixed_training(layerwise):
    method, model = layerwise
    packed = packed_of(method, DSLP, DSLP["nat.draw"])
    mixed = packed["draws"]["mixed"] < 0.3
    assert torch.equal(mixed, DSLP["nat.gold_mixed"][PRESENT])
    rows = show(rows_of(packed["streams"]), ALL, mixed)
    for number, logits in enumerate(layers_of(model, packed, rows)):
        close(logits, DSLP[f"nat.logits_layer{number}"][PRESENT][~mixed])
    loss = method.loss(model, packed, TRAIN)
    close(loss.terms["nar"], sum(DSLP[f"nat.loss_word_ins_{layer}"] for layer in range(3)))
    close(0.1 * loss.terms["length"], DSLP["nat.loss_length"])
    close(loss.total, DSLP["nat.loss_total"])
    loss.total.backward()
    check_gradients(model, DSLP, "nat.grad.", 4)


def test_validation_mixes_nothing(layerwise):
    method, model = layerwise
    packed = packed_of(method, DSLP, DSLP["nat.draw"])
    layers = layers_of(model, packed, rows_of(packed["streams"]))
    for number, logits in enumerate(layers):
        close(logits, DSLP[f"nat.eval_logits_layer{number}"][PRESENT])
    assert torch.equal(layers[-1].argmax(1), DSLP["nat.decode_argmax_gold_length"][PRESENT])
    loss = method.loss(model, packed, VALID)
    close(loss.total, DSLP["nat.eval.loss_total"])
    close(loss.terms["nar"], sum(DSLP[f"nat.eval.loss_word_ins_{layer}"] for layer in range(3)))


def glanced(model, packed):
    """The second pass of DSLP's GLAT, and which cells it shows."""
    rows = rows_of(packed["streams"])
    first = layers_of(model, packed, rows)[-1].argmax(1)
    shown = drawn(packed["draws"]["glance"], 0.5, first == rows.read["nar"].labels, rows)
    return show(rows, shown, ALL), shown


def test_glancing_in_dslp(layerwise):
    """Its draws, its canvas, its logits; its loss, which trains the shown cells to predict <pad>, on their labels."""
    _, model = layerwise
    packed = packed_of(layerwise[0], DSLP, DSLP["glat.draw"])
    rows, shown = glanced(model, packed)
    assert torch.equal(rows.token, DSLP["glat.input"][PRESENT])
    assert torch.equal(~shown, DSLP["glat.labels"][PRESENT].ne(1))
    every = replace(rows, read={"nar": Read(torch.arange(ALL.numel()), DSLP["glat.labels"][PRESENT])})
    states = model(source_of(packed["source"]), every)
    for number, hidden in enumerate(states.layers):
        close(model.project(hidden), DSLP[f"glat.logits_layer{number}"][PRESENT])
    assert DSLP["glat.mask"][PRESENT].all()
    close(cells_loss(states, 0.1)[0], sum(DSLP[f"glat.loss_word_ins_{layer}"] for layer in range(3)))


def test_a_row_that_glances_learns_the_other_cells():
    """Unlike DSLP's code: shown cells have no label."""
    method, model = made({**LAYERWISE, "glance_first": 0.5, "length": 0.0}, DSLP, decoder_layers=3)
    packed = packed_of(method, DSLP, DSLP["glat.draw"])
    labels = DSLP["glat.labels"][PRESENT]
    expected = [
        F.cross_entropy(DSLP[f"glat.logits_layer{layer}"][PRESENT], labels, ignore_index=1, label_smoothing=0.1)
        for layer in range(3)
    ]
    close(method.loss(model, packed, TRAIN).total, sum(expected) / 3)


def test_layers_that_mix_nothing_in_are_deep_supervision_alone():
    """With R = [I, 0] every layer is that of a plain decoder of as many layers."""
    method, model = made(LAYERWISE, DSLP, decoder_layers=3)
    for mixture in model.decoder.reduce_concat:
        mixture.weight.data = torch.eye(16, 32)
    packed = packed_of(method, DSLP)
    rows = rows_of(packed["streams"])
    for depth, logits in enumerate(layers_of(model, packed, rows), 1):
        plain, shallow = made({"length_of": "difference", "activation": "gelu"}, DSLP, decoder_layers=depth)
        close(logits, layers_of(shallow, packed_of(plain, DSLP), rows)[0])


def test_with_gold_words_alone_the_mixture_is_independent_of_the_predictions(layerwise):
    method, model = layerwise
    packed = packed_of(method, DSLP)
    rows = show(rows_of(packed["streams"]), ALL, ~ALL)
    rows = replace(rows, read=rows_of(packed["streams"]).read)
    before = layers_of(model, packed, rows)[-1]
    # Another output projection, untied, predicts other words in between.
    model.decoder.output_projection.weight = torch.nn.Parameter(model.decoder.output_projection.weight.roll(1, 0))
    close(layers_of(model, packed, rows)[-1], before.roll(1, 1))


@pytest.mark.parametrize("options", [{}, {"copies": True}, LAYERWISE])
def test_a_sentence_alone_has_the_logits_and_the_output_of_the_batch(options):
    layers = {"decoder_layers": 3} if options.get("layerwise") else {}
    golden = DSLP if layers else NAT
    method, model = made(options, golden, **layers)
    whole = packed_of(method, golden)
    rows = rows_of(whole["streams"])
    together = layers_of(model.eval(), whole, rows)
    decode = partial(Decoding.of(manner="nar", method="nat", length_beam=3).decode, model)
    outputs = decode(Source.of(golden["src"], 1))
    for b, lengths in enumerate(golden["tgt"].ne(1).sum(1).tolist()):
        source = golden["src"][b : b + 1, golden["src"][b].ne(1)]
        alone = method.pack(source, golden["tgt"][b : b + 1, :lengths], SYMBOLS, batch_generator(1))
        for one, other in zip(layers_of(model, alone, rows_of(alone["streams"])), together, strict=True):
            close(one, other[rows.sentence == b])
        assert decode(Source.of(source, 1))[0][0].tokens.tolist() == outputs[b][0].tokens.tolist()


def test_glancing_starts_and_ends(plain):
    """A share of zero in between is a pass for nothing, but the draws decide alone what is shown."""
    options = make_method("nat", {"glance_first": 0.5, "glance_updates": 10}).options
    assert [options.share(update) for update in (0, 5, 10, 20)] == pytest.approx([0.5, 0.25, 0, 0])
    assert options.glances and not plain[0].options.glances


@pytest.mark.parametrize(
    ("options", "step", "first_passes"), [({}, TRAIN, 0), (GLANCING, TRAIN, 1), (GLANCING, VALID, 0)]
)
def test_only_a_training_that_glances_has_a_first_pass(options, step, first_passes):
    method, model = made(options, NAT)
    seen = []
    # The pass that learns reads all layers, and so does not call the decoder as such.
    model.decoder.register_forward_hook(lambda *_: seen.append(1))
    method.loss(model, packed_of(method, NAT), step)
    assert len(seen) == first_passes


@pytest.mark.parametrize("options", [{}, LAYERWISE])
def test_both_passes_draw_the_same_dropout(options):
    """Whatever the second pass reads: with nothing shown, it is the first pass again."""
    method, model = made(options, DSLP, decoder_layers=3, dropout=0.3)
    model.train()
    rows = rows_of(packed_of(method, DSLP)["streams"])
    source, every_third, seen = source_of(packed_of(method, DSLP)["source"]), torch.arange(0, rows.content, 3), []

    def glance(hidden, vocabulary):
        seen.append(hidden)
        return replace(rows, read={"nar": Read(every_third, rows.read["nar"].labels[every_third])})

    hidden = model(source, rows, glance).hidden["nar"]
    assert torch.equal(hidden, seen[0][every_third])
    assert not torch.equal(model(source, rows).hidden["nar"][every_third], hidden)


def test_an_update_without_cells_to_learn_has_a_loss(layerwise):
    """Every cell was mixed in: only the length is learned."""
    method, model = layerwise
    packed = packed_of(method, DSLP, torch.zeros_like(DSLP["nat.draw"]))
    loss = method.loss(model, packed, TRAIN)
    close(loss.total, 0.1 * loss.terms["length"])
    loss.total.backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in model.parameters())


@pytest.mark.parametrize("options", [{"mixed": 0.3}, {"copies": True, **GLANCING}])
def test_options_that_do_not_fit_together(options):
    with pytest.raises(InputError):
        make_method("nat", options)
