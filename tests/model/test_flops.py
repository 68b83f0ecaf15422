"""The count of multiply-adds against torch's own counter on three models, and against the figures of the design."""

import pytest
import torch
from fairseq_models import build
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from janus.bench.release_step import Measures, PaddedBatch, release_loss
from janus.methods.base.joint_loss import PAPER
from janus.model.config import TransformerConfig
from janus.model.flops import CMLM, JANUS, TRANSFORMER, necessary_work
from janus.model.streams import AR_CONTENT, pack_streams, visible
from janus.model.transformer import JanusTransformer

PAD, MASK = 1, 3
SMALL = TransformerConfig(
    34,
    34,
    dimension=32,
    encoder_layers=2,
    decoder_layers=3,
    encoder_ffn=48,
    decoder_ffn=64,
    source_positions=64,
    target_positions=64,
    length_classes=20,
    dropout=0.0,
)
SENTENCES, WORDS, HIDDEN = 4, 9, 5


def sentences(length: int) -> torch.Tensor:
    """Random sentences of as many words, framed by bos and eos."""
    words = torch.randint(4, 34, (SENTENCES, length), generator=torch.Generator().manual_seed(length))
    return torch.nn.functional.pad(torch.nn.functional.pad(words, (1, 0), value=0), (0, 1), value=2)


def hidden(width: int) -> torch.Tensor:
    """The same number of hidden words in each sentence, at different places."""
    generator = torch.Generator().manual_seed(1)
    places = torch.stack([torch.randperm(width - 2, generator=generator)[:HIDDEN] + 1 for _ in range(SENTENCES)])
    return torch.zeros(SENTENCES, width, dtype=torch.bool).scatter_(1, places, True)


def counted(function) -> tuple[int, int]:
    """Multiply-adds of the forward pass, and of forward and backward pass, by torch's counter."""
    # The counter knows no fused attention of processors.
    with FlopCounterMode(display=False) as forward, sdpa_kernel(SDPBackend.MATH):
        total = function()
    with FlopCounterMode(display=False) as backward:
        total.backward()
    forward, backward = forward.get_total_flops() // 2, backward.get_total_flops() // 2
    return forward, forward + backward


def full(*lengths: int) -> list[torch.Tensor]:
    return [torch.full((SENTENCES,), length) for length in lengths]


def test_every_product_of_a_joint_update():
    """Without padding, each projection done once: what is left over are attention products with unseen rows."""
    source, target = sentences(6), sentences(WORDS)
    masked = hidden(target.size(1))
    batch = PaddedBatch.of(source, target, masked, pad=PAD, mask=MASK, own=True)
    model, measures = JanusTransformer(SMALL), Measures(keys_once=True, read_only=True, encoder_passes=1)
    work = necessary_work(SMALL, JANUS, *full(8, WORDS + 1, HIDDEN))
    streams = pack_streams(target, masked, pad=PAD, mask=MASK)
    everyone, content = (slice(None), slice(streams.content))
    same = streams.sentence[everyone, None] == streams.sentence[None, content]
    seen = visible(*(x[:, None] for x in (streams.kind, streams.place)), streams.kind[content], streams.place[content])
    # The padded step forms all products of AR rows with AR rows, and of the others with observed, masks and gold.
    ar, canvas = WORDS + 1, WORDS + 2 + HIDDEN
    formed = SENTENCES * (2 * ar * ar + (canvas + HIDDEN) * canvas)
    unseen = formed - int((seen & same).sum())
    spare = 2 * SMALL.dimension * SMALL.decoder_layers * unseen
    forward, update = counted(lambda: release_loss(model, batch, PAPER, 0.1, measures))
    # What the last layer makes of AR content is read by nobody: autograd leaves it out.
    wide, rows = SMALL.dimension, SENTENCES * ar
    idle = rows * (4 * wide * wide + 2 * wide * SMALL.decoder_ffn + 2 * wide * (ar + source.size(1)))
    assert forward == work.forward + spare
    assert update == work.update + 3 * spare - 2 * idle


@pytest.mark.parametrize("arch", ["transformer", "cmlm_transformer"])
@pytest.mark.parametrize(("encoder", "decoder"), [(2, 2), (4, 1)])
def test_every_product_of_fairseq(arch, encoder, decoder):
    """Its Transformer forms causal products it hides; its CMLM needs each, but scores observed words too."""
    layers = dict(encoder_layers=encoder, decoder_layers=decoder)
    model, _ = build(arch, **layers, **(dict(label_smoothing=0.1) if arch == "cmlm_transformer" else {}))
    model.train()
    source, target = sentences(6), sentences(WORDS)
    lengths = torch.full((SENTENCES,), 8)
    shape = dict(dimension=32, encoder_ffn=48, decoder_ffn=48, **layers)
    if arch == "transformer":
        config = TransformerConfig(34, 34, **shape, length="none")
        work = necessary_work(config, TRANSFORMER, *full(8, WORDS + 1, 0))
        rows = WORDS + 1
        spare = 2 * 32 * decoder * SENTENCES * (rows * rows - rows * (rows + 1) // 2)
        forward, update = counted(lambda: model(source, lengths, target[:, :-1])[0].sum())
    else:
        config = TransformerConfig(34, 34, **shape, length_classes=256)
        work = necessary_work(config, CMLM, *full(8, WORDS + 1, HIDDEN))
        spare = 32 * 34 * SENTENCES * (WORDS + 2 - HIDDEN)
        canvas = target.masked_fill(hidden(target.size(1)), MASK)

        def outputs() -> torch.Tensor:
            made = model(source, lengths, canvas, target)
            return made["word_ins"]["out"].sum() + made["length"]["out"].sum()

        forward, update = counted(outputs)
    assert forward == work.forward + spare
    assert update == work.update + 3 * spare


@pytest.mark.parametrize("kinds", [TRANSFORMER, CMLM, JANUS])
def test_pairs_that_see_each_other(kinds):
    """The closed count of attention products against the visibility of every single pair."""
    target = sentences(WORDS)
    target[1, 4:] = torch.tensor([2] + [PAD] * (target.size(1) - 5))
    masked = hidden(target.size(1)) & (target != PAD) & (target != 2)
    streams = pack_streams(target, masked, pad=PAD, mask=MASK)
    chosen = torch.isin(streams.kind, torch.tensor(sorted(kinds)))
    content = chosen[: streams.content].nonzero()[:, 0]
    pairs = visible(
        *(x[chosen, None] for x in (streams.kind, streams.place)), streams.kind[content], streams.place[content]
    ) & (streams.sentence[chosen, None] == streams.sentence[content])
    counts = [torch.zeros(SENTENCES, dtype=torch.long), target.ne(PAD).sum(1) - 1, masked.sum(1)]
    work = necessary_work(SMALL, kinds, *counts)
    assert work.attention == 2 * SMALL.dimension * SMALL.decoder_layers * int(pairs.sum())


@pytest.mark.parametrize(("kinds", "millions"), [(JANUS, 87.0), (CMLM, 34.4), (TRANSFORMER, 36.7)])
def test_figures_of_the_iwslt_shape(kinds, millions):
    """A token's share of a forward pass in linear layers, as many source as target tokens, 57 % of them masked."""
    tokens = 100_000
    config = TransformerConfig(10_152, 10_152)
    work = necessary_work(config, kinds, *(torch.tensor([n]) for n in (tokens, tokens, 57 * tokens // 100)))
    assert (work.forward - work.attention) / tokens / 1e6 == pytest.approx(millions, abs=0.05)


def test_an_ar_row_without_queries_is_read_itself():
    work = necessary_work(SMALL, {AR_CONTENT}, *(torch.tensor([n]) for n in (1, 7, 0)))
    assert work.vocabulary == 7 * 34 * SMALL.dimension
