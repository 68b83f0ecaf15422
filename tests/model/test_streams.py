"""Who sees whom: the closed form, the packing, and that no prediction can reach its own gold token."""

import pytest
import torch
from dense_reference import sees

from janus.model.config import TransformerConfig
from janus.model.ragged import Source
from janus.model.streams import (
    AR_CONTENT,
    AR_QUERY,
    AUX_QUERY,
    GOLD,
    MASKED,
    OBSERVED,
    pack_canvas,
    pack_streams,
    visible,
)
from janus.model.transformer import JanusTransformer
from kernels.attention.reference import visible as visible_spans

PAD, MASK = 1, 3
KINDS = [AR_CONTENT, AR_QUERY, OBSERVED, MASKED, GOLD, AUX_QUERY]


def test_closed_form():
    grid = torch.cartesian_prod(torch.tensor(KINDS), torch.arange(5), torch.tensor(KINDS), torch.arange(5))
    content_keys = grid[(grid[:, 2] != AR_QUERY) & (grid[:, 2] != AUX_QUERY)]
    ours = visible(*content_keys.T)
    assert ours.tolist() == [sees(*row) for row in content_keys.tolist()]


def test_the_papers_example():
    """Figure 2: y_1 m_2 m_3 y_4 m_5 y_6; m_5's AUX query sees y_1 y_4 y_6, the gold y_2 y_3 and its own mask."""
    masked = {2, 3, 5}
    keys = [(OBSERVED, j) for j in (1, 4, 6)] + [(MASKED, j) for j in masked] + [(GOLD, j) for j in masked]
    seen = {key for key in keys if bool(visible(*(torch.tensor(x) for x in (AUX_QUERY, 5, *key))))}
    assert seen == {(OBSERVED, 1), (OBSERVED, 4), (OBSERVED, 6), (GOLD, 2), (GOLD, 3), (MASKED, 5)}


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(7)
    target = torch.randint(4, 40, (5, 13), generator=generator)
    lengths = torch.tensor([13, 2, 3, 9, 12])
    place = torch.arange(13)
    target[place >= lengths[:, None]] = PAD
    target[:, 0] = 0
    target[torch.arange(5), lengths - 1] = 2
    inner = (place > 0) & (place < lengths[:, None] - 1)
    masked = (torch.rand(target.shape, generator=generator) < 0.6) & inner
    masked[3] = False
    return target, masked


@pytest.mark.parametrize("query_position", ["own", "previous"])
def test_packing(batch, query_position):
    target, masked = batch
    streams = pack_streams(target, masked, pad=PAD, mask=MASK, query_position=query_position)
    rows = set()
    for b in range(5):
        last = int(target[b].ne(PAD).sum()) - 1
        for i in range(last):
            rows.add((b, AR_CONTENT, i, int(target[b, i]), i))
            rows.add((b, AR_QUERY, i, MASK, i + (query_position == "own")))
        for j in range(last + 1):
            if masked[b, j]:
                rows |= {(b, MASKED, j, MASK, j), (b, GOLD, j, int(target[b, j]), j), (b, AUX_QUERY, j, MASK, j)}
            else:
                rows.add((b, OBSERVED, j, int(target[b, j]), j))
    ours = list(
        zip(*(x.tolist() for x in (streams.sentence, streams.kind, streams.place, streams.token, streams.position)))
    )
    assert len(ours) == len(rows) and set(ours) == rows
    assert streams.content == sum(kind not in (AR_QUERY, AUX_QUERY) for _, kind, *_ in rows)
    assert all(kind in (AR_QUERY, AUX_QUERY) for _, kind, *_ in ours[streams.content :])


@pytest.mark.parametrize("readout", ["query", "content"])
def test_labels_and_pairing(batch, readout):
    target, masked = batch
    streams = pack_streams(target, masked, pad=PAD, mask=MASK, ar_readout=readout)
    assert streams.kind[streams.read["ar"].rows].eq(AR_QUERY if readout == "query" else AR_CONTENT).all()
    assert bool(streams.kind.eq(AR_QUERY).any()) == (readout == "query")
    assert streams.read["ar"].rows.numel() == target.ne(PAD).sum() - 5
    place, sentence = streams.place, streams.sentence
    assert torch.equal(
        streams.read["ar"].labels, target[sentence[streams.read["ar"].rows], place[streams.read["ar"].rows] + 1]
    )
    assert all(torch.equal(streams.read[name].labels, target[masked]) for name in ("nar", "aux"))
    paired = streams.read["ar"].rows[streams.read["ar"].masked]
    assert torch.equal(place[paired] + 1, place[streams.read["nar"].rows])
    assert torch.equal(place[paired] + 1, place[streams.read["aux"].rows])
    assert torch.equal(sentence[paired], sentence[streams.read["aux"].rows])


@pytest.mark.parametrize("parts", [{"ar", "nar", "aux"}, {"ar"}, {"nar"}, {"aux"}, {"ar", "nar"}, {"ar", "aux"}])
def test_spans_are_the_closed_form(batch, parts):
    streams = pack_streams(*batch, pad=PAD, mask=MASK, **{name: name in parts for name in ("ar", "nar", "aux")})
    keys = slice(streams.content)
    expected = visible(streams.kind[:, None], streams.place[:, None], streams.kind[keys], streams.place[keys])
    expected &= streams.sentence[:, None] == streams.sentence[keys]
    assert torch.equal(visible_spans(streams.spans, streams.content), expected)


@pytest.mark.parametrize("parts", [{"ar"}, {"nar"}, {"aux"}, {"ar", "nar"}])
def test_only_what_is_read_is_packed(batch, parts):
    streams = pack_streams(*batch, pad=PAD, mask=MASK, **{name: name in parts for name in ("ar", "nar", "aux")})
    kinds = set(streams.kind.tolist())
    expected = set()
    if "ar" in parts:
        expected |= {AR_CONTENT, AR_QUERY}
    if parts & {"nar", "aux"}:
        expected |= {OBSERVED, MASKED}
    if "aux" in parts:
        expected |= {GOLD, AUX_QUERY}
    assert kinds == expected
    assert set(streams.read) == parts and all(one.rows.numel() for one in streams.read.values())


@pytest.mark.parametrize("parts", [{"ar", "nar", "aux"}, {"nar"}, {"aux"}, {"nar", "aux"}, {"ar", "nar"}, {"ar"}])
def test_labels_stand_beside_whatever_is_read(batch, parts):
    """The masked tokens in the order of sentences and places, for the NAR rows, the AUX rows, or both."""
    target, masked = batch
    streams = pack_streams(*batch, pad=PAD, mask=MASK, **{name: name in parts for name in ("ar", "nar", "aux")})
    for name in parts & {"nar", "aux"}:
        rows = streams.read[name].rows
        assert torch.equal(target[streams.sentence[rows], streams.place[rows]], target[masked])
        assert torch.equal(streams.read[name].labels, target[masked])
    assert set(streams.read) == parts


def test_replaced_tokens_are_read_and_corrected(batch):
    """A correction loss reads the observed rows it is told of, and no others; their labels are what stands there."""
    target, masked = batch
    corrupted = target.ne(PAD) & (target % 3 == 0)
    streams = pack_streams(target, masked, pad=PAD, mask=MASK, corrupted=corrupted)
    rows = streams.read["corrected"].rows
    assert streams.kind[rows].eq(OBSERVED).all()
    read = torch.zeros_like(masked)
    read[streams.sentence[rows], streams.place[rows]] = True
    assert torch.equal(read, corrupted & ~masked) and len(rows) == int(read.sum())
    assert torch.equal(streams.read["corrected"].labels, target[streams.sentence[rows], streams.place[rows]])


def test_rows_move_to_another_device(batch):
    moved = pack_streams(*batch, pad=PAD, mask=MASK).to("meta")
    tensors = [*vars(moved).values(), *(value for one in moved.read.values() for value in vars(one).values())]
    assert {value.device.type for value in tensors if isinstance(value, torch.Tensor)} == {"meta"}
    assert moved.sentences == 5 and moved.content == pack_streams(*batch, pad=PAD, mask=MASK).content


def test_canvas_candidates_share_a_source():
    canvas = torch.tensor([[0, 3, 3, 2, 1], [0, 3, 7, 3, 2], [0, 2, 1, 1, 1]])
    streams = pack_canvas(canvas, torch.tensor([0, 0, 1]), pad=PAD, mask=MASK)
    assert streams.sentence[streams.read["nar"].rows].tolist() == [0, 0, 1, 1]
    assert streams.source[streams.read["nar"].rows].tolist() == [0, 0, 0, 0]
    assert streams.source[streams.sentence == 2].unique().tolist() == [1]
    every = pack_canvas(canvas, torch.tensor([0, 0, 1]), pad=PAD, mask=MASK, read_all=True)
    corrected = every.read["corrected"].rows
    assert every.read["corrected"].labels.tolist() == [7]
    assert every.sentence[corrected].tolist() == [1] and every.place[corrected].tolist() == [2]
    assert set(streams.read) == {"nar"} and set(streams.kind.tolist()) == {OBSERVED, MASKED}


def test_a_canvas_never_predicts_its_frame():
    """The mask is a symbol of the dictionary: bos or eos that look like it stay as they are."""
    canvas = torch.tensor([[MASK, 8, MASK, MASK], [MASK, MASK, PAD, PAD]])
    streams = pack_canvas(canvas, torch.tensor([0, 1]), pad=PAD, mask=MASK, read_all=True)
    assert streams.place[streams.read["nar"].rows].tolist() == [2] and streams.place[
        streams.read["corrected"].rows
    ].tolist() == [1]


@pytest.fixture
def model():
    torch.manual_seed(3)
    config = TransformerConfig(
        40,
        40,
        dimension=16,
        encoder_layers=1,
        decoder_layers=3,
        encoder_ffn=32,
        decoder_ffn=32,
        encoder_heads=2,
        decoder_heads=2,
        dropout=0.0,
        source_positions=32,
        target_positions=32,
    )
    model = JanusTransformer(config).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


@pytest.mark.parametrize("query_position", ["own", "previous"])
def test_no_leak(batch, model, query_position):
    """Change one gold token: exactly the predictions that may depend on it move, through three layers."""
    target, masked = batch
    source = Source.of(target, PAD)

    def predict(tokens):
        streams = pack_streams(tokens, masked, pad=PAD, mask=MASK, query_position=query_position)
        with torch.no_grad():
            return model(source, streams), streams

    before, streams = predict(target)
    row = {name: streams.read[name].rows for name in ("ar", "nar", "aux")}
    for b, j in [(0, 1), (0, 6), (4, 3), (4, 9), (3, 4)]:
        changed = target.clone()
        changed[b, j] = (changed[b, j] - 4 + 5) % 36 + 4
        after, _ = predict(changed)
        for name, rows in row.items():
            moved = (after.hidden[name] - before.hidden[name]).abs().amax(1) > 1e-9
            own = streams.sentence[rows] == b
            if name == "ar":
                may = own & (streams.place[rows] >= j)
            elif not masked[b, j]:
                may = own
            elif name == "nar":
                may = torch.zeros_like(own)
            else:
                may = own & (streams.place[rows] > j)
            assert torch.equal(moved, may), (name, b, j)


def test_a_sentence_ignores_its_neighbours(batch, model):
    target, masked = batch
    with torch.no_grad():
        whole = model(Source.of(target, PAD), streams := pack_streams(target, masked, pad=PAD, mask=MASK))
        for b in range(5):
            width = int(target[b].ne(PAD).sum())
            one = target[b : b + 1, :width], masked[b : b + 1, :width]
            alone = model(Source.of(one[0], PAD), pack_streams(*one, pad=PAD, mask=MASK))
            for name in ("ar", "nar", "aux"):
                rows = streams.sentence[streams.read[name].rows] == b
                torch.testing.assert_close(whole.hidden[name][rows], alone.hidden[name], rtol=1e-9, atol=1e-9)


def test_one_encoder_pass_each_for_ar_and_nar(batch, model):
    """With two passes, the AR loss reaches the first encoding alone, the NAR and AUX losses the second."""
    target, masked = batch
    source = Source.of(target, PAD)
    streams = pack_streams(target, masked, pad=PAD, mask=MASK)
    encodings = [model.encoder(source).detach().requires_grad_() for _ in range(2)]
    memory = model.decoder.memory(encodings, source.layout)
    for rows, reached in ((streams.read["ar"].rows, 0), (streams.read["nar"].rows, 1), (streams.read["aux"].rows, 1)):
        gradients = torch.autograd.grad(
            model.decoder(streams, memory, rows).square().sum(), encodings, retain_graph=True, allow_unused=True
        )
        assert gradients[reached].abs().sum() > 0
        assert gradients[1 - reached].abs().sum() == 0


def test_a_batch_that_predicts_nothing_still_has_gradients(model):
    """A target without words under a NAR loss alone: no rows to read, and no error."""
    target = torch.tensor([[0, 2]])
    streams = pack_streams(target, torch.zeros_like(target, dtype=torch.bool), pad=PAD, mask=MASK, ar=False, aux=False)
    states = model(Source.of(target, PAD), streams)
    (states.hidden["nar"].sum() + states.length.sum()).backward()
    assert states.hidden["nar"].shape == (0, 16)
    assert model.encoder.layers[0].fc1.weight.grad.abs().sum() > 0
