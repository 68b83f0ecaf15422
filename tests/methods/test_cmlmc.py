"""CMLMC against the numbers of its authors' code, and its laws.

The first self-attention of the authors' code sees padding. Where their numbers are of a padded batch, the padding is
made rows of the batch here (`leaky`), which this suite's packing never does.
"""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from golden_zoo import SYMBOLS, close, golden_model, golden_shape, read_golden

from janus.decoding.decoding import Decoding
from janus.decoding.mask_predict import fill, remask
from janus.methods import cmlmc as module
from janus.methods.base.batch import rows_of
from janus.methods.base.joint_loss import length_loss
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.cmlmc import earlier
from janus.model.attention import View
from janus.model.ragged import Ragged, Source
from janus.model.streams import pack_canvas, pack_cells
from janus.model.transformer import JanusTransformer
from janus.noise.masks import batch_generator

GOLDEN = read_golden("cmlmc")
SHAPE = golden_shape(24)
TRAIN = Step(update=1, smoothing=0.1, training=True)
PRESENT = GOLDEN["tgt"].ne(1)
# The only sentence of the batch's full width, which had no padding to see.
WIDEST = 1


@pytest.fixture
def method():
    return make_method("cmlmc", {})


@pytest.fixture
def model(method):
    return golden_model(method, SHAPE, GOLDEN)


@pytest.fixture
def packed(method):
    """The golden batch, with the draws that were made there."""
    batch = method.pack(GOLDEN["src"], GOLDEN["tgt"], SYMBOLS, batch_generator(1))
    return batch | method.canvases(GOLDEN["tgt"], GOLDEN["masked"], GOLDEN["draw_uniform"], SYMBOLS)


def cells_of(canvas):
    """The rows of canvases [B, T], all read."""
    present = canvas.ne(1)
    return pack_cells(canvas, torch.arange(canvas.size(0)), pad=1, mask=3, read={"cells": (present, canvas)})


def logits_of(model, rows, source=GOLDEN["src"]):
    memory, _ = model.encode(Source.of(source, 1))
    return model.project(model.decoder(rows, memory, rows.read["cells"].rows))


def padded_cells(canvas):
    """As `cells_of`, with rows for the padding: vectors of zeros, which every cell sees in the first attention."""
    rows = pack_cells(canvas, torch.arange(canvas.size(0)), pad=-1, mask=3, read={"cells": (canvas.ne(1), canvas)})
    return replace(rows, position=torch.where(rows.token == 1, -1, rows.position))


@pytest.fixture
def leaky(monkeypatch):
    """The second attention sees no padding in the authors' code either."""

    def without_padding(rows):
        spans = earlier(rows)
        real = torch.zeros(rows.sentences).index_add(0, rows.sentence, rows.token.ne(1).float())[rows.sentence]
        spans[:, 1] = torch.minimum(spans[:, 1], (spans[:, 0] + real).int())
        return spans

    monkeypatch.setattr(module, "earlier", without_padding)


def test_each_sentence_alone(model):
    close(logits_of(model, cells_of(GOLDEN["prev"])), GOLDEN["mask_logits_alone"][PRESENT])


@pytest.mark.parametrize("canvas, logits", [("prev", "mask"), ("draft_input", "draft"), ("corrupt_input", "corrupt")])
def test_all_passes_of_the_sentence_without_padding(model, canvas, logits):
    rows = cells_of(GOLDEN[canvas])
    close(logits_of(model, rows)[rows.sentence == WIDEST], GOLDEN[f"{logits}_logits"][WIDEST])


@pytest.mark.parametrize("canvas, logits", [("prev", "mask"), ("draft_input", "draft"), ("corrupt_input", "corrupt")])
def test_all_passes_with_visible_padding(model, leaky, canvas, logits):
    close(logits_of(model, padded_cells(GOLDEN[canvas])), GOLDEN[f"{logits}_logits"][PRESENT])


def test_what_is_replaced_and_with_what(method, model, packed):
    """The draft's words are argmaxes of the sentence alone here, and of the padded batch there: the same words."""
    streams, draft = rows_of(packed["streams"]), rows_of(packed["draft"])
    copies, cells = GOLDEN["replaced"].any(1).nonzero()[:, 0], GOLDEN["replaced"].nonzero()
    corrected = streams.read["corrected"]
    owner, place = streams.source[corrected.rows], streams.place[corrected.rows]
    assert torch.equal(torch.stack([owner, place], 1), cells)
    assert torch.equal(corrected.labels, GOLDEN["tgt"][GOLDEN["replaced"]])
    assert streams.sentences == 4 + copies.numel() and draft.sentences == copies.numel()
    seen = []
    decode = model.decode
    model.decode = lambda rows, *others: seen.append(rows) or decode(rows, *others)
    method.loss(model, packed, TRAIN)
    [rows] = seen
    canvases = torch.cat([GOLDEN["prev"], GOLDEN["corrupt_input"][copies]])
    assert torch.equal(rows.token, canvases[canvases.ne(1)])


def test_the_losses_without_padding(method, model, packed):
    """The masked loss of the logits that the authors' code has for each sentence alone."""
    loss = method.loss(model, packed, TRAIN)
    masked = GOLDEN["masked"]
    expected = F.cross_entropy(GOLDEN["mask_logits_alone"][masked], GOLDEN["tgt"][masked], label_smoothing=0.1)
    close(loss.terms["nar"], expected, atol=0)
    close(loss.terms["length"], GOLDEN["loss_length_raw"], atol=0)
    close(loss.total, (expected + loss.terms["correction"]) / 2 + 0.1 * GOLDEN["loss_length_raw"], atol=0)


def test_the_losses_of_the_sentence_without_padding(method, model):
    """Both word losses, and their mean, on the one sentence for which the batch had no padding."""
    only = slice(WIDEST, WIDEST + 1)
    source, target = GOLDEN["src"][only], GOLDEN["tgt"][only]
    batch = method.pack(source, target, SYMBOLS, batch_generator(1))
    batch |= method.canvases(target, GOLDEN["masked"][only], GOLDEN["draw_uniform"][only], SYMBOLS)
    terms = method.loss(model, batch, TRAIN).terms
    for name, logits, cells in (("nar", "mask_logits", "masked"), ("correction", "corrupt_logits", "replaced")):
        chosen = GOLDEN[cells][only]
        expected = F.cross_entropy(GOLDEN[logits][only][chosen], target[chosen], label_smoothing=0.1)
        close(terms[name], expected, atol=0)


def test_losses_and_gradients_with_visible_padding(model, leaky):
    """Every number of the authors' padded batch."""
    memory, encoded = model.encode(Source.of(GOLDEN["src"], 1))
    losses = {}
    for name, canvas, cells in (("mask", "prev", "masked"), ("corr", "corrupt_input", "replaced")):
        rows, chosen = padded_cells(GOLDEN[canvas]), GOLDEN[cells]
        states = model.project(model.decoder(rows, memory, chosen.flatten().nonzero()[:, 0]))
        losses[name] = F.cross_entropy(states, GOLDEN["tgt"][chosen], label_smoothing=0.1)
        close(losses[name], GOLDEN[f"loss_{name}"], atol=0)
    length = length_loss(model.decoder.forward_length(encoded, memory.layout), PRESENT.sum(1))
    total = (losses["mask"] + losses["corr"]) / 2 + 0.1 * length
    close(total, GOLDEN["loss_total"], atol=0)
    total.backward()
    weights = dict(model.named_parameters())
    names = [name.removeprefix("grad.") for name in GOLDEN if name.startswith("grad.")]
    assert len(names) == 7
    for name in names:
        close(weights[name].grad, GOLDEN[f"grad.{name}"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("iterations", [0, 1, 4, 10])
@pytest.mark.parametrize("beam", [1, 3])
def test_decodes(model, iterations, beam):
    """One sentence and one candidate at a time there, all together here. "Iter k" is k + 1 passes."""
    decoding = Decoding.of(
        manner="nar", method="cmlmc", length_beam=beam, shortest=0, passes=iterations + 1, keep_frame=True
    )
    outputs = decoding.decode(model.eval(), Source.of(GOLDEN["src"], 1))
    for [hypothesis], expected in zip(outputs, GOLDEN[f"decode_alone_iter{iterations}_lb{beam}_tokens"], strict=True):
        length = hypothesis.tokens.numel()
        assert hypothesis.tokens.tolist() == expected[:length].tolist() and expected[length:].eq(1).all()


def test_a_cell_in_which_bos_was_written_is_predicted_again_by_its_place(model):
    """The choice of this suite; in the authors' code the cell keeps bos, as in the golden above."""
    memory, _ = model.encode(Source.of(GOLDEN["src"][3:], 1))
    canvas, owner = torch.tensor([[0, 0, 12, 12, 12, 0, 2]]), torch.tensor([0])
    kept, _ = fill(model, canvas, torch.zeros(1, 7), owner, memory, True, keep_frame=True)
    assert kept[0, [0, 1, 5, 6]].tolist() == [0, 0, 0, 2]
    scores = fill(model, canvas, torch.zeros(1, 7), owner, memory, True)[1]
    assert scores[0].ne(0).tolist() == [False, True, True, True, True, True, False]


def test_the_share_that_is_masked_again_is_a_product_in_float32(model):
    """In double precision, 5 * (1 - 4 / 5) is less than 1."""
    canvas, scores = torch.tensor([[0, 7, 8, 9, 10, 11, 2]]), -torch.arange(7.0)[None]
    assert remask(model, canvas, scores, 1 - 4 / 5)[0].tolist() == [[0, 7, 8, 9, 10, 3, 2]]
    assert int(5 * (1 - 4 / 5)) == 0


def plain_twin(model):
    """A Transformer with this model's weights but for the second attention: the model that CMLM has."""
    twin = JanusTransformer(model.config)
    weights = {name.replace("self_attn_unmasked", "first"): value for name, value in model.state_dict().items()}
    kept = {name: value for name, value in weights.items() if "self_attn" not in name or "encoder" in name[:7]}
    kept = {name.replace("first", "self_attn"): value for name, value in kept.items() if "PEfc" not in name}
    twin.load_state_dict(kept)
    return twin


def test_with_sums_and_without_the_second_attention_it_is_cmlm(model):
    """Identities side by side make the concatenation a sum; an attention that adds nothing leaves rows as they are."""
    with torch.no_grad():
        for side in (model.encoder, model.decoder):
            side.PEfc.weight.copy_(torch.eye(16).repeat(1, 2))
            side.PEfc.bias.zero_()
        for layer in model.decoder.layers:
            layer.self_attn.out_proj.weight.zero_()
            layer.self_attn.out_proj.bias.zero_()
            for norm in (layer.self_attn_unmasked_layer_norm, layer.self_attn_layer_norm):
                norm.reset_parameters()
                norm.eps = 0.0
    twin = plain_twin(model)
    for layer in twin.decoder.layers:
        layer.self_attn_layer_norm.eps = 0.0
    canvas = pack_canvas(GOLDEN["prev"], torch.arange(4), pad=1, mask=3)
    source = Source.of(GOLDEN["src"], 1)
    close(model(source, canvas).hidden["nar"], twin(source, canvas).hidden["nar"])


@pytest.mark.parametrize("read_all", [False, True])
def test_the_second_attention_sees_the_cells_up_to_its_own(read_all):
    """In the order of places and in that of mask-predict."""
    observed_first = pack_canvas(GOLDEN["prev"], torch.arange(4), pad=1, mask=3, read_all=read_all)
    for rows in (cells_of(GOLDEN["prev"]), observed_first):
        layout = Ragged(rows.sentence, 4)
        visible = View(layout, layout, earlier(rows)).visible
        place = layout.pad(rows.place, 99)
        expected = place[:, None, :] <= place[:, :, None]
        filled = layout.filled()
        assert torch.equal(visible[filled], expected[filled])


def test_what_stands_right_of_a_cell_reaches_it_through_the_first_attention_only(model):
    rows = cells_of(GOLDEN["prev"][WIDEST:][:1])
    source, other = GOLDEN["src"][WIDEST:][:1], rows.with_tokens(rows.token.clone())
    other.token[6:9] = torch.tensor([9, 8, 7])
    assert not torch.allclose(logits_of(model, rows, source)[:6], logits_of(model, other, source)[:6], atol=1e-3)
    with torch.no_grad():
        for layer in model.decoder.layers:
            layer.self_attn_unmasked.out_proj.weight.zero_()
    close(logits_of(model, rows, source)[:6], logits_of(model, other, source)[:6], atol=1e-6)


def test_the_order_of_rows_does_not_matter(model):
    """Places in order, or what is observed before what is masked."""
    rows = cells_of(GOLDEN["prev"])
    other = pack_canvas(GOLDEN["prev"], torch.arange(4), pad=1, mask=3)
    source = Source.of(GOLDEN["src"], 1)
    hidden = model.project(model(source, other).hidden["nar"])
    close(hidden, logits_of(model, rows)[rows.token == 3])


def test_a_sentence_alone_has_the_logits_and_the_output_of_the_batch(model):
    together, rows = logits_of(model, cells_of(GOLDEN["prev"])), cells_of(GOLDEN["prev"])
    decoding = Decoding.of(manner="nar", method="cmlmc", passes=4, length_beam=3)
    outputs = decoding.decode(model.eval(), Source.of(GOLDEN["src"], 1))
    for b in range(4):
        source, canvas = GOLDEN["src"][b : b + 1], GOLDEN["prev"][b : b + 1, : int(PRESENT[b].sum())]
        close(logits_of(model, cells_of(canvas), source), together[rows.sentence == b])
        [[alone]] = decoding.decode(model, Source.of(source, 1))
        assert alone.tokens.tolist() == outputs[b][0].tokens.tolist()


def test_the_first_update_and_batches_without_replacements_count_the_masked_loss_fully(method, model, packed):
    first = method.loss(model, packed, Step(update=0, smoothing=0.1, training=True))
    close(first.total, first.terms["nar"] + 0.1 * first.terms["length"])
    assert first.terms["correction"] == 0
    short = GOLDEN["tgt"][3:, :5]
    nothing = method.pack(GOLDEN["src"][3:], short, SYMBOLS, batch_generator(1))
    assert not nothing["draft"]["read"]["draft"]["rows"].numel(), "fewer than four revealed tokens"
    loss = method.loss(model, nothing, TRAIN)
    close(loss.total, loss.terms["nar"] + 0.1 * loss.terms["length"])
    assert set(loss.terms) == set(first.terms), "all batches log the same"


def test_replacements_are_rounded_down_and_revealed(method):
    target = torch.tensor([[0, *range(4, 24), 2]]).repeat(20, 1)
    masked = torch.zeros_like(target, dtype=torch.bool)
    for b in range(20):
        masked[b, 1 : 1 + b] = True
    made = method.canvases(target, masked, torch.rand(target.shape), SYMBOLS)
    rows = rows_of(made["streams"])
    read = rows.read["corrected"]
    counts = torch.zeros(20).index_add(0, rows.source[read.rows], torch.ones(read.rows.numel()))
    assert counts.tolist() == [(20 - b) * 3 // 10 for b in range(20)]
    assert not masked[rows.source[read.rows], rows.place[read.rows]].any()
    assert not rows.token[read.rows].eq(3).any()


def test_the_draft_has_dropout_of_its_own_and_no_gradient(method, model, packed):
    noisy = method.network(replace(method.configure(SHAPE), dropout=0.3))
    noisy.load_state_dict(model.state_dict())
    noisy.train()
    calls = []
    forward = noisy.decoder.forward

    def spy(rows, memory, read):
        hidden = forward(rows, memory, read)
        calls.append((rows, memory, hidden))
        return hidden

    noisy.decoder.forward = spy
    torch.manual_seed(1)
    method.loss(noisy, packed, TRAIN)
    (_, one, draft), (_, other, hidden) = calls
    assert one is other, "one encoding"
    assert hidden.requires_grad and not draft.requires_grad
    torch.manual_seed(2)
    method.loss(noisy, packed, TRAIN)
    assert not torch.equal(draft, calls[2][2])


def test_padding_is_no_row(packed):
    rows = rows_of(packed["streams"])
    assert not rows.token.eq(1).any() and rows.content == rows.token.numel()
    assert int(rows.sentence.lt(4).sum()) == int(PRESENT.sum())
