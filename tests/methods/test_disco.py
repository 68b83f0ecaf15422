"""DisCo against the numbers of its authors' code, and its laws."""

from dataclasses import replace
from itertools import combinations, permutations
from math import comb

import pytest
import torch
import torch.nn.functional as F
from disco_golden import GOLDEN, SHAPE, golden_model, weights_of

from janus.decoding.easy_first import ranks
from janus.methods.base.batch import Symbols, as_plain, pack_source
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.disco import SubsetRows, pack_disentangled, shown, words_of
from janus.model.attention import View
from janus.model.ragged import Ragged, Source
from janus.model.rows import DecoderRows
from janus.model.transformer import views
from janus.noise.masks import batch_generator

SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)
TRAIN = Step(update=0, smoothing=0.1, training=True)
TARGET = GOLDEN["tgt"]
WORDS = words_of(TARGET, 1)
OWNER = torch.arange(4)


@pytest.fixture
def method():
    return make_method("disco", {})


@pytest.fixture
def model():
    return golden_model()


@pytest.fixture
def rows():
    """The golden batch, with the draws that were made there."""
    return shown(TARGET, GOLDEN["draw_scores"], GOLDEN["draw_cutoff"], pad=1)


def batch_of(rows):
    return {
        "source": pack_source(GOLDEN["src"], 1),
        "lengths": TARGET.ne(1).sum(1),
        "streams": as_plain(rows),
    }


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **{"rtol": 1e-5, "atol": 2e-5, **tolerance})


def logits_of(model, rows, source=GOLDEN["src"]):
    memory, _ = model.encode(Source.of(source, 1))
    return model.project(model.decoder(rows, memory, rows.read["nar"].rows))


def seen_places(rows):
    """{(sentence, place): the places that its query sees}."""
    content, asking = rows.place[: rows.content], rows.read["nar"].rows
    found = {}
    for number, row in enumerate(asking.tolist()):
        sentence, place = int(rows.sentence[row]), int(rows.place[row])
        if isinstance(rows, SubsetRows):
            own = content[rows.sentence[: rows.content] == sentence]
            found[sentence, place] = set(own[rows.seen[number, : own.numel()]].tolist())
        else:
            a, b, c, d = rows.spans[row].tolist()
            found[sentence, place] = {*content[a:b].tolist(), *content[c:d].tolist()}
    return found


def test_the_encoder_and_the_lengths(model):
    source = Source.of(GOLDEN["src"], 1)
    encoded, lengths = model.encoder.with_lengths(source, model.decoder.embed_length.weight[0])
    close(encoded, GOLDEN["enc_out_TBC"].transpose(0, 1)[GOLDEN["src"].ne(1)])
    scores = model.decoder.forward_length(lengths, source.layout)
    close(scores.log_softmax(-1), GOLDEN["length_log_probs"])
    assert torch.equal(scores.topk(3).indices, GOLDEN["length_top3"])


def test_what_is_shown(rows):
    for (sentence, place), seen in seen_places(rows).items():
        assert seen == set((~GOLDEN["hidden_mask"][sentence, place]).nonzero()[:, 0].tolist())
        assert place not in seen


def test_the_logits(model, rows):
    close(logits_of(model, rows), GOLDEN["logits"][WORDS])


def test_the_loss_and_its_gradients(method, model, rows):
    loss = method.loss(model, batch_of(rows), TRAIN)
    words = int(GOLDEN["ntokens"])
    assert loss.size == words
    close(loss.total, GOLDEN["loss"], atol=0)
    close(loss.total * words, GOLDEN["loss_sum"], atol=0)
    close(loss.terms["nar_nll"] * words, GOLDEN["nll_sum"], atol=0)
    close(loss.terms["length"] * 4, GOLDEN["length_sum"], atol=0)
    loss.total.backward()
    gradients = {f"param.{name.removeprefix('grad.')}": value for name, value in GOLDEN.items() if "grad." in name}
    assert len(gradients) == 6
    weights = dict(model.named_parameters())
    expected = weights_of(gradients)
    for name in expected.keys() & weights.keys():
        close(weights[name].grad, expected[name], rtol=1e-4, atol=1e-6)


def test_easy_first_on_the_gold_words(model):
    known = ranks(GOLDEN["ef_order"], WORDS)
    rows = pack_disentangled(TARGET, GOLDEN["ef_order"], known, OWNER, pad=1)
    for (sentence, place), seen in seen_places(rows).items():
        assert seen == set((~GOLDEN["ef_hidden"][sentence, place]).nonzero()[:, 0].tolist())
    close(logits_of(model, rows), GOLDEN["ef_logits"][WORDS])
    surest = -GOLDEN["ef_probs"]
    assert torch.equal(ranks(surest, WORDS)[WORDS], known[WORDS]), "the order is that of the probabilities"


def test_intervals_and_subsets_are_the_same_attention(model):
    """Rows of one permutation a sentence, and what they see as a mask over content in the order of places."""
    generator = batch_generator(3)
    order, share = torch.rand(TARGET.shape, generator=generator), torch.rand(TARGET.shape, generator=generator)
    rows = shown(TARGET, order, share, pad=1)
    plain = shown(TARGET, torch.zeros_like(order)[..., None].expand(-1, -1, 9), share, pad=1)
    seen = torch.zeros_like(plain.seen)
    for number, places in enumerate(seen_places(rows).values()):
        own = plain.place[: plain.content][plain.sentence[: plain.content] == plain.sentence[plain.content + number]]
        seen[number, : own.numel()] = torch.isin(own, torch.tensor(sorted(places)))
    close(logits_of(model, rows), logits_of(model, replace(plain, seen=seen)), atol=1e-5)


def test_the_number_that_is_shown(method):
    """floor(share * n) words, the first of the order but the word itself; with `permutation`, of one order."""
    generator = batch_generator(5)
    share = torch.rand(TARGET.shape, generator=generator)
    for order in (torch.rand(TARGET.shape, generator=generator), torch.rand(4, 9, 9, generator=generator)):
        for (sentence, place), seen in seen_places(shown(TARGET, order, share, pad=1)).items():
            eos = int(WORDS[sentence].sum())
            others = [j for j in range(eos) if j != place]
            keys = order[sentence] if order.dim() == 2 else order[sentence, place]
            count = int(share[sentence, place] * eos)
            assert seen == {eos, *sorted(others, key=lambda j: float(keys[j]))[:count]}


@pytest.mark.parametrize("subsets", ["permutation", "independent"])
def test_what_pack_draws(subsets):
    """bos is no row, no word sees itself, every word sees eos, and sizes and subsets differ between words."""
    method = make_method("disco", {"subsets": subsets})
    target = torch.tensor([[0, *range(4, 14), 2], [0, 9, 2, *[1] * 9]])
    batch = method.pack(GOLDEN["src"][:2], target, SYMBOLS, batch_generator(1))
    assert ("seen" in batch["streams"]) is (subsets == "independent")
    rows = (SubsetRows if subsets == "independent" else DecoderRows).of_plain(batch["streams"])
    assert not rows.token[: rows.content].eq(0).any() and batch["lengths"].tolist() == [11, 2]
    seen = seen_places(rows)
    assert seen[1, 0] == {1}
    for (sentence, place), places in seen.items():
        assert place not in places and (10, 1)[sentence] in places
    assert len({len(places) for places in seen.values()}) > 3


def test_a_word_is_told_nothing_about_itself(model):
    """Through all layers, the loss of a row has no gradient at its own word's content, and has at those it sees."""
    known = (WORDS.sum(1) - 1)[:, None].expand(-1, 9)
    rows = pack_disentangled(TARGET, torch.zeros(4, 9), known, OWNER, pad=1)
    inputs = model.decoder.inputs
    leaves = []

    def recorded(streams, memory):
        leaves.append(inputs(streams, memory).detach().requires_grad_())
        return leaves[-1]

    model.decoder.inputs = recorded
    logits = logits_of(model, rows)
    for number, row in enumerate(rows.read["nar"].rows.tolist()):
        [gradient] = torch.autograd.grad(logits[number].logsumexp(0), leaves, retain_graph=True)
        content = gradient[: rows.content]
        own = (rows.sentence[: rows.content] == rows.sentence[row]) & (rows.place[: rows.content] == rows.place[row])
        others = (rows.sentence[: rows.content] == rows.sentence[row]) & ~own
        assert content[own].eq(0).all() and content[others].ne(0).any(1).all()
        assert gradient[rows.content :][torch.arange(logits.size(0)) != number].eq(0).all(), (
            "nor do queries see queries"
        )


def test_the_order_of_the_content_does_not_matter(model):
    """All other words shown: any order of the content is the same attention."""
    known = (WORDS.sum(1) - 1)[:, None].expand(-1, 9)
    logits = [
        logits_of(model, pack_disentangled(TARGET, order, known, OWNER, pad=1))
        for order in (torch.zeros(4, 9), -torch.arange(9.0).expand(4, 9), torch.rand(4, 9))
    ]
    close(logits[0], logits[1], atol=1e-5)
    close(logits[0], logits[2], atol=1e-5)


def test_one_permutation_has_the_expected_loss_and_gradient_of_independent_subsets(model):
    """Every subset and every permutation of a sentence of four words, in float64."""
    model = model.double()
    words, source = 4, GOLDEN["src"][:1]
    target = torch.tensor([[9, 14, 7, 20, 2]])

    def expected(rows, weights):
        """The weighted mean over canvases of the summed loss of their words, and its gradients."""
        model.zero_grad()
        memory, _ = model.encode(Source.of(source, 1))
        logits = model.project(model.decoder(rows, memory, rows.read["nar"].rows))
        losses = F.cross_entropy(logits, rows.read["nar"].labels, label_smoothing=0.1, reduction="none")
        total = (losses.view(-1, words) * weights).sum()
        total.backward()
        return total.detach(), {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}

    orders = [order for order in permutations(range(words)) for _ in range(words)]
    known = torch.arange(words).repeat(len(orders) // words)
    count = len(orders)
    rows = pack_disentangled(
        target.expand(count, -1),
        F.pad(torch.tensor(orders), (0, 1)),
        known[:, None].expand(-1, words + 1),
        torch.zeros(count, dtype=torch.long),
        pad=1,
    )
    by_order = expected(rows, torch.full((count, words), 1 / count, dtype=torch.double))

    subsets = [subset for size in range(words) for subset in combinations(range(words - 1), size)]
    seen, weights = torch.zeros(len(subsets), words, words + 1, dtype=torch.bool), torch.zeros(len(subsets), words)
    for number, subset in enumerate(subsets):
        for place in range(words):
            others = [j for j in range(words) if j != place]
            # The content is eos, then the words by place.
            seen[number, place, [0, *(1 + others[j] for j in subset)]] = True
            weights[number, place] = 1 / words / comb(words - 1, len(subset))
    many = target.expand(len(subsets), -1)
    plain = pack_disentangled(many, torch.zeros_like(many), torch.zeros_like(many), torch.zeros_like(many[:, 0]), pad=1)
    by_subset = expected(SubsetRows(**vars(plain), seen=seen.flatten(0, 1)), weights.double())

    torch.testing.assert_close(by_order[0], by_subset[0], rtol=1e-6, atol=0)
    assert by_order[1].keys() == by_subset[1].keys() and len(by_order[1]) > 50
    for name, gradient in by_order[1].items():
        torch.testing.assert_close(gradient, by_subset[1][name], rtol=1e-6, atol=1e-9)


def test_a_sentence_alone_has_the_logits_of_the_batch(model, rows):
    together, sentence = logits_of(model, rows), rows.sentence[rows.content :]
    for b in range(4):
        width = int(TARGET[b].ne(1).sum())
        draws = GOLDEN["draw_scores"][b : b + 1, :width, :width], GOLDEN["draw_cutoff"][b : b + 1, :width]
        alone = shown(TARGET[b : b + 1, :width], *draws, pad=1)
        close(logits_of(model, alone, GOLDEN["src"][b : b + 1]), together[sentence == b])


def test_some_of_the_queries_are_computed_as_all_are(model, rows):
    memory, _ = model.encode(Source.of(GOLDEN["src"], 1))
    read = rows.read["nar"].rows
    chosen = read.flip(0)[::3]
    every = model.decoder(rows, memory, read)
    close(model.decoder(rows, memory, chosen), every[chosen - rows.content])
    own, _ = views(rows, memory, read)
    assert isinstance(own, View) and own.keys.group.numel() == rows.content


def test_keys_are_the_same_in_every_layer(model, rows):
    seen = []
    for layer in model.decoder.layers:
        layer.self_attn.k_proj.register_forward_hook(lambda module, given, out: seen.append(given[0]))
    logits_of(model, rows)
    assert len(seen) == 2 and torch.equal(seen[0], seen[1])
    embedded = model.decoder.embed_tokens(rows.token) + model.decoder.embed_positions(rows.position)
    close(seen[0], embedded[: rows.content])


def test_dropout_after_self_attention_is_of_the_sum(method):
    """The sublayer of self-attention drops what came in, too; the others drop their update only."""
    made = method.network(replace(method.configure(SHAPE), dropout=0.5)).train()
    layer, rows, nothing = made.decoder.layers[0], torch.full((50, 16), 5.0), torch.zeros(50, 16)
    assert layer.residual(rows, nothing, layer.self_attn_layer_norm).exact.abs().max() > 0.1
    assert layer.residual(rows, nothing, layer.final_layer_norm).exact.abs().max() < 1e-2
    assert layer.eval().residual(rows, nothing, layer.self_attn_layer_norm).exact.abs().max() < 1e-2


def test_the_length_counts_as_one_word_of_each_sentence(model, rows):
    batch = batch_of(rows)
    heavy, none = (make_method("disco", {"length": weight}).loss(model, batch, TRAIN) for weight in (3.0, 0.0))
    close(heavy.total, none.total + 3 * 4 / 21 * heavy.terms["length"])
    assert "length" not in none.terms


def test_sentences_do_not_see_each_other(rows):
    plain = pack_disentangled(TARGET, torch.rand(4, 9), torch.zeros(4, 9, dtype=torch.long) + 2, OWNER, pad=1)
    layout = Ragged(plain.sentence[: plain.content], 4)
    bounds = layout.bounds()
    spans = plain.spans[plain.content :]
    first, last = bounds[plain.sentence[plain.content :]], bounds[plain.sentence[plain.content :] + 1]
    assert (spans[:, 0] == first).all() and (spans[:, [1, 3]].amax(1) <= last).all()
