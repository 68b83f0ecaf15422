"""The model against a dense float64 reference of every stream, and its dropout against fairseq's places for it."""

from argparse import Namespace

import pytest
import torch
from dense_reference import AR_QUERY, AUX_QUERY, MASKED, OBSERVED, Reference
from fairseq.criterions.label_smoothed_cross_entropy import LabelSmoothedCrossEntropyCriterion
from fairseq_models import build, fairseq_sample, sources

from janus.decoding.vocabulary import make_source, pad_batch
from janus.methods.base.joint_loss import Weights, joint_loss
from janus.model import layers, transformer
from janus.model.config import TransformerConfig
from janus.model.ragged import Source
from janus.model.streams import pack_canvas, pack_streams
from janus.model.transformer import JanusTransformer
from janus.plugin.models import core_of

PAD, MASK, WORDS = 1, 3, 37
RECIPES = {
    "paper": {},
    "release": dict(query_position="previous"),
    "sinusoidal": dict(positions="sinusoidal", encoder_heads=4, encoder_layers=3),
    "bart": dict(activation="gelu", scale_embedding=False, layernorm_embedding=True),
    "untied": dict(tied="none", decoder_layers=1),
}
SOURCES = [[0, 5, 9, 2], [0, 7, 8, 9, 10, 11, 12, 2], [0, 30, 2]]
TARGETS = [[0, 21, 22, 23, 24, 25, 2], [0, 9, 2], [0, 31, 32, 33, 2]]
HIDDEN = [{2, 3, 5}, {1}, set()]


def model_of(**options) -> JanusTransformer:
    torch.manual_seed(3)
    shape = dict(dimension=16, encoder_layers=1, decoder_layers=2, encoder_ffn=24, decoder_ffn=20)
    shape |= dict(encoder_heads=2, decoder_heads=4, source_positions=16, target_positions=12, length_classes=9)
    model = JanusTransformer(TransformerConfig(WORDS, WORDS, **{**shape, **options})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.double()


def masks_of(target: torch.Tensor) -> torch.Tensor:
    return torch.tensor([[place in hidden for place in range(target.size(1))] for hidden in HIDDEN])


@pytest.mark.parametrize("recipe", RECIPES)
@torch.no_grad()
def test_every_stream_of_a_batch_is_that_of_the_reference(recipe):
    model = model_of(**RECIPES[recipe])
    reference = Reference(model.config, dict(model.state_dict()))
    target = pad_batch(TARGETS)
    streams = pack_streams(target, masks_of(target), pad=PAD, mask=MASK, query_position=model.config.query_position)
    states = model(Source.of(pad_batch(SOURCES), PAD), streams)
    encoded = [reference.encode(source) for source in SOURCES]
    expected = [reference.streams(*each) for each in zip(encoded, TARGETS, HIDDEN)]
    for b, rows in enumerate(encoded):
        torch.testing.assert_close(states.length[b], reference.lengths(rows), rtol=0, atol=1e-10)
    for name, kind in (("ar", AR_QUERY), ("nar", MASKED), ("aux", AUX_QUERY)):
        rows = streams.read[name].rows
        logits = [expected[b][kind, j] for b, j in zip(streams.sentence[rows].tolist(), streams.place[rows].tolist())]
        assert len(logits) == (sum(len(t) - 1 for t in TARGETS) if name == "ar" else sum(map(len, HIDDEN)))
        torch.testing.assert_close(model.project(states.hidden[name]), torch.stack(logits), rtol=0, atol=1e-10)


@torch.no_grad()
def test_every_cell_of_a_canvas_is_that_of_the_reference():
    """Mask-predict reads masked and observed rows; two canvases of one source."""
    model = model_of()
    reference = Reference(model.config, dict(model.state_dict()))
    encoded = [reference.encode(source) for source in SOURCES]
    owner = [0, 0, 2]
    canvas = pad_batch([[MASK if j in hidden else t for j, t in enumerate(x)] for x, hidden in zip(TARGETS, HIDDEN)])
    memory, _ = model.encode(Source.of(pad_batch(SOURCES), PAD))
    streams = pack_canvas(canvas, torch.tensor(owner), pad=PAD, mask=MASK, read_all=True)
    read = torch.cat([streams.read["nar"].rows, streams.read["corrected"].rows])
    assert len(read) == sum(len(target) - 2 for target in TARGETS)
    logits = model.project(model.decoder(streams, memory, read))
    for b, j, ours in zip(streams.sentence[read].tolist(), streams.place[read].tolist(), logits):
        expected = reference.streams(encoded[owner[b]], TARGETS[b], HIDDEN[b])
        kind = MASKED if j in HIDDEN[b] else OBSERVED
        torch.testing.assert_close(ours, expected[kind, j], rtol=0, atol=1e-10)


@torch.no_grad()
def test_ar_rows_read_the_first_encoding_and_the_others_the_second():
    """As if each had been alone with its encoding."""
    model = model_of(query_position="previous")
    reference = Reference(model.config, dict(model.state_dict()))
    target, source = pad_batch(TARGETS), Source.of(pad_batch(SOURCES), PAD)
    streams = pack_streams(target, masks_of(target), pad=PAD, mask=MASK, query_position="previous")
    first, second = ([reference.encode(s) + shift for s in SOURCES] for shift in (0.0, 0.7))
    memory = model.decoder.memory([torch.cat(first), torch.cat(second)], source.layout)
    for encoded, kind, rows in (
        (first, AR_QUERY, streams.read["ar"].rows),
        (second, MASKED, streams.read["nar"].rows),
        (second, AUX_QUERY, streams.read["aux"].rows),
    ):
        expected = [reference.streams(*each) for each in zip(encoded, TARGETS, HIDDEN)]
        places = zip(streams.sentence[rows].tolist(), streams.place[rows].tolist())
        logits = model.project(model.decoder(streams, memory, rows))
        torch.testing.assert_close(logits, torch.stack([expected[b][kind, j] for b, j in places]), rtol=0, atol=1e-10)


def test_tied_tables_are_one_tensor():
    whole, target, none = (model_of(tied=tied) for tied in ("all", "target", "none"))
    for model, words, output in ((whole, True, True), (target, False, True), (none, False, False)):
        decoder = model.decoder
        assert (decoder.embed_tokens.weight is model.encoder.embed_tokens.weight) == words
        assert (decoder.output_projection.weight is decoder.embed_tokens.weight) == output


def test_fresh_padding_rows_are_zero():
    """The word of padding and the position fairseq keeps for it; every other row is drawn."""
    model = JanusTransformer(TransformerConfig(WORDS, WORDS, dimension=16, target_positions=12, decoder_layers=1))
    for side in (model.encoder, model.decoder):
        for table in (side.embed_tokens.weight, side.embed_positions.weight):
            assert table.abs().sum(1).eq(0).nonzero().flatten().tolist() == [PAD]


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
@pytest.mark.parametrize("arch", ["transformer", "cmlm_transformer"])
@torch.no_grad()
def test_dropout_falls_where_fairseqs_does(monkeypatch, arch):
    """With a growth by 1 + p in the place of chance, both models in training give the same logits."""

    def grown(x, p, training=True, *_, **__):
        return x * (1 + p) if training else x

    model, _ = build(arch, dropout=0.07, activation_dropout=0.19)
    core = core_of(model)
    monkeypatch.setattr(torch.nn.functional, "dropout", grown)
    for module in (layers, transformer):
        monkeypatch.setattr(module, "dropout", grown)
    net = fairseq_sample(sources(7, bos=True))["net_input"]
    target = pad_batch([[0, *s] for s in sources(7, bos=False, seed=5)])
    nothing = torch.zeros_like(target, dtype=torch.bool)

    def both() -> tuple[torch.Tensor, torch.Tensor]:
        memory, _ = core.encode(make_source(sources(7, bos=True), "cpu"))
        if arch == "transformer":
            inputs = target[:, :-1].masked_fill(target[:, 1:].eq(PAD), PAD)
            theirs = model(net["src_tokens"], net["src_lengths"], inputs)[0][inputs.ne(PAD)]
            streams = pack_streams(target, nothing, pad=PAD, mask=MASK, nar=False, aux=False)
            return core.project(core.decoder(streams, memory, torch.arange(streams.content))), theirs
        canvas = target.masked_fill(target.gt(20), MASK)
        encoded = model.encoder(net["src_tokens"], src_lengths=net["src_lengths"])
        theirs = model.decoder(normalize=False, prev_output_tokens=canvas, encoder_out=encoded)[canvas.eq(MASK)]
        streams = pack_canvas(canvas, torch.arange(7), pad=PAD, mask=MASK)
        return core.project(core.decoder(streams, memory, streams.read["nar"].rows)), theirs

    still, _ = both()
    model.train()
    core.train()
    ours, theirs = both()
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    assert (ours - still).abs().max() > 0.01


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
@pytest.mark.parametrize("arch", ["transformer", "cmlm_transformer"])
def test_a_baseline_in_this_engine_has_the_loss_and_the_gradients_of_fairseqs(arch):
    """Content rows that predict their successors, and masked rows alone: what the systems *-core train."""
    model, words = build(arch, label_smoothing=0.1)
    core = JanusTransformer(core_of(model).config)
    core.load_state_dict(core_of(model).state_dict())
    target = pad_batch([[0, *s] for s in sources(7, bos=False, seed=5)])
    plain = arch == "transformer"
    masked = torch.zeros_like(target, dtype=torch.bool) if plain else target.gt(20)
    streams = pack_streams(target, masked, pad=PAD, mask=MASK, ar=plain, nar=not plain, aux=False, ar_readout="content")
    weights = Weights(ar=1) if plain else Weights(nar=1)
    states = core.train()(make_source(sources(7, bos=True), "cpu"), streams)
    ours, _ = joint_loss(states, target.ne(PAD).sum(1), weights, 0.1)

    sample, task = fairseq_sample(sources(7, bos=True)), Namespace(target_dictionary=words)
    if plain:
        sample["net_input"]["prev_output_tokens"] = target[:, :-1].masked_fill(target[:, 1:].eq(PAD), PAD)
        sample |= {"target": target[:, 1:].contiguous(), "ntokens": int(target[:, 1:].ne(PAD).sum())}
        # fairseq spreads the smoothing over all words but the gold one.
        criterion = LabelSmoothedCrossEntropyCriterion(task, False, 0.1 * (len(words) - 1) / len(words))
        total, size, _ = criterion(model.train(), sample)
        theirs = total / size
    else:
        canvas = target.masked_fill(masked, MASK)
        found = model.train()(**sample["net_input"], prev_output_tokens=canvas, tgt_tokens=target)
        rows, labels = (found["word_ins"][name][masked] for name in ("out", "tgt"))
        theirs = torch.nn.functional.cross_entropy(rows, labels, label_smoothing=0.1)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    ours.backward()
    theirs.backward()
    gradients = {name: x.grad for name, x in model.named_parameters() if x.grad is not None}
    compared = [(x.grad, gradients[name]) for name, x in core.named_parameters() if name in gradients]
    assert len(compared) > 50
    for one, other in compared:
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_two_encoder_passes_draw_their_own_dropout_and_the_length_reads_the_second():
    model = model_of(encoder_passes=2, dropout=0.3).train()
    source = Source.of(pad_batch(SOURCES), PAD)
    memory, encoded = model.encode(source, 2)
    assert memory.two_passes and not model.encode(source)[0].two_passes
    for layer, (keys, values) in zip(model.decoder.layers, memory.layers, strict=True):
        first, second = keys.split(len(encoded))
        expected = layer.encoder_attn.keys_values(encoded)
        torch.testing.assert_close((second, values[len(encoded) :]), expected)
        assert (first - second).abs().max() > 0.01


def test_the_model_runs_the_passes_of_its_configuration(monkeypatch):
    for passes in (1, 2):
        model, target = model_of(encoder_passes=passes), pad_batch(TARGETS)
        calls, encode = [], model.encode
        monkeypatch.setattr(
            model, "encode", lambda *args, calls=calls, encode=encode: calls.append(args) or encode(*args)
        )
        model(Source.of(pad_batch(SOURCES), PAD), pack_streams(target, masks_of(target), pad=PAD, mask=MASK))
        assert [args[1] for args in calls] == [passes]


@pytest.mark.parametrize("bert", [False, True])
def test_the_table_of_lengths_is_drawn_as_a_word_table(bert):
    """fairseq zeroes its own by accident (no padding index), so this one has no counterpart there."""
    model = JanusTransformer(TransformerConfig(WORDS, WORDS, dimension=64, encoder_layers=1, decoder_layers=1))
    model.initialise(bert=bert)
    weight = model.decoder.embed_length.weight
    assert weight.shape == (256, 64) and weight.std().item() == pytest.approx(0.02 if bert else 64**-0.5, rel=0.03)
    if bert:
        biases = [x for name, x in model.named_parameters() if name.endswith("bias") and "layer_norm" not in name]
        assert not torch.cat(biases).any()
