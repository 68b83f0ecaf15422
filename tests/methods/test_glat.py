"""GLAT against the numbers of its authors' code, and its laws."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from golden_zoo import SYMBOLS, close, golden_model, golden_shape, read_golden

from janus.decoding.decoding import Decoding
from janus.methods.base.batch import rows_of, source_of
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.glat import show
from janus.model.ragged import Source
from janus.noise.masks import batch_generator

GOLDEN = read_golden("glat")
SHAPE = golden_shape(24, length_classes=64)
TRAIN = Step(update=0, smoothing=0.1, training=True)


@pytest.fixture
def method():
    return make_method("glat", {"glance_first": float(GOLDEN["ratio"])})


@pytest.fixture
def model(method):
    return golden_model(method, SHAPE, GOLDEN)


@pytest.fixture
def packed(method):
    """The golden batch, with the permutations that were drawn there."""
    batch = method.pack(GOLDEN["src"], GOLDEN["tgt"], SYMBOLS, batch_generator(1))
    rank = torch.full_like(GOLDEN["perm"], 99)
    for row, order in zip(rank, GOLDEN["perm"]):
        places = order[order >= 0]
        row[places] = torch.arange(places.numel())
    return batch | {"rank": rank[GOLDEN["tgt"].ne(1)]}


def logits_of(model, packed, rows):
    states = model(source_of(packed["source"]), rows)
    return model.project(states.hidden["nar"])


def test_the_first_pass(model, packed):
    rows = rows_of(packed["streams"])
    logits = logits_of(model, packed, rows)
    present = GOLDEN["tgt"].ne(1)
    close(logits, GOLDEN["first_logits"][present])
    same = torch.zeros(4).index_add(0, rows.sentence, logits.argmax(-1).eq(rows.read["nar"].labels).float())
    assert torch.equal(same.long(), GOLDEN["same"])


def test_what_is_shown_and_the_second_pass(model, packed):
    rows, present = rows_of(packed["streams"]), GOLDEN["tgt"].ne(1)
    second = show(rows, packed["rank"], float(GOLDEN["ratio"]), GOLDEN["pred"][present])
    learned = torch.zeros(rows.content, dtype=torch.bool)
    learned[second.read["nar"].rows] = True
    assert torch.equal(~learned, GOLDEN["revealed"][present])
    assert torch.equal(second.read["nar"].labels, GOLDEN["glat_tgt"][GOLDEN["glat_tgt"].ne(1)])
    close(logits_of(model, packed, second), GOLDEN["second_logits"][present][learned])


def test_the_loss_and_its_gradients(method, model, packed):
    loss = method.loss(model, packed, TRAIN)
    close(loss.total, GOLDEN["loss_total"])
    close(loss.terms["nar"], GOLDEN["loss_word"])
    close(loss.terms["nar_nll"], GOLDEN["nll_word"])
    close(loss.terms["length"], GOLDEN["loss_length_raw"])
    loss.total.backward()
    weights = dict(model.named_parameters())
    names = [name.removeprefix("grad.") for name in GOLDEN if name.startswith("grad.")]
    assert len(names) == 6
    for name in names:
        close(weights[name].grad, GOLDEN[f"grad.{name}"], rtol=1e-4, atol=1e-6)


def test_validation_shows_nothing(method, model, packed):
    loss = method.loss(model, packed, Step(update=0, smoothing=0.1, training=False))
    close(loss.terms["nar"], GOLDEN["valid_loss_word"])
    close(loss.total, GOLDEN["valid_loss_word"] + GOLDEN["valid_length_factor"] * loss.terms["length"])


@pytest.mark.parametrize("beam", [1, 5])
def test_decodes(model, beam):
    decoding = Decoding.of(manner="nar", method="glat", length_beam=beam, shortest=0)
    outputs = decoding.decode(model.eval(), Source.of(GOLDEN["src"], 1))
    tokens = GOLDEN[f"decode_lb{beam}_tokens"]
    for [hypothesis], expected, score in zip(outputs, tokens, GOLDEN[f"decode_lb{beam}_score"], strict=True):
        length = hypothesis.tokens.numel()
        assert hypothesis.tokens.tolist() == expected[:length].tolist() and expected[length:].eq(1).all()
        assert hypothesis.score == pytest.approx(float(score), abs=1e-5)


def test_without_glances_the_loss_is_that_of_one_pass(model, packed):
    """Share 0: the cross entropy of every cell of a blank canvas."""
    plain = make_method("glat", {"glance_first": 0.0, "glance_last": 0.0, "length": 0.0})
    total = plain.loss(model, packed, TRAIN).total
    logits = logits_of(model, packed, rows_of(packed["streams"]))
    close(total, F.cross_entropy(logits, GOLDEN["tgt"][GOLDEN["tgt"].ne(1)], label_smoothing=0.1))


def test_a_perfect_first_pass_shows_nothing(packed):
    rows = rows_of(packed["streams"])
    second = show(rows, packed["rank"], 1.0, rows.read["nar"].labels)
    assert torch.equal(second.token, rows.token) and second.read["nar"].rows.numel() == rows.content


def test_labels_of_shown_cells_do_not_count(packed):
    rows, present = rows_of(packed["streams"]), GOLDEN["tgt"].ne(1)
    second = show(rows, packed["rank"], 0.5, GOLDEN["pred"][present])
    assert set(second.read["nar"].rows.tolist()).isdisjoint(GOLDEN["revealed"][present].nonzero()[:, 0].tolist())


def test_a_sentence_alone_has_the_logits_of_the_batch(method, model):
    whole = method.pack(GOLDEN["src"], GOLDEN["tgt"], SYMBOLS, batch_generator(1))
    rows = rows_of(whole["streams"])
    together = logits_of(model, whole, rows)
    for b in range(4):
        target = GOLDEN["tgt"][b : b + 1, : int(GOLDEN["lens"][b])]
        alone = method.pack(GOLDEN["src"][b : b + 1], target, SYMBOLS, batch_generator(1))
        close(logits_of(model, alone, rows_of(alone["streams"])), together[rows.sentence == b])


def test_both_passes_draw_the_same_dropout(method, model, packed):
    """With nothing shown, the first pass of a model in training predicts what the second one scores highest."""
    noisy = method.network(method.configure(replace(SHAPE, dropout=0.3)))
    noisy.load_state_dict(model.state_dict())
    noisy.train()
    seen = []

    def glance(hidden, vocabulary):
        seen.append((hidden @ vocabulary.T).argmax(-1))
        return rows_of(packed["streams"])

    states = noisy(source_of(packed["source"]), rows_of(packed["streams"]), glance)
    assert torch.equal(noisy.project(states.hidden["nar"]).argmax(-1), seen[0])
    other = noisy(source_of(packed["source"]), rows_of(packed["streams"]))
    assert not torch.equal(other.hidden["nar"], states.hidden["nar"])


def test_the_share_falls_linearly():
    options = make_method("glat", {"glance_updates": 100}).options
    assert [options.share(update) for update in (0, 50, 100, 900)] == pytest.approx([0.5, 0.4, 0.3, 0.3])
