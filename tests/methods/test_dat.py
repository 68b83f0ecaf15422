"""DA-Transformer against the numbers of its authors' code, and its laws."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from golden_zoo import SYMBOLS, close, golden_model, golden_shape
from word_graphs import GOLDEN

from janus.decoding.decoding import Decoding
from janus.methods import dat
from janus.methods.base.batch import rows_of, source_of
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.dat import Target, blank_rows, graph_sizes, show
from janus.model.ragged import Source
from janus.noise.masks import batch_generator
from kernels.dag import Graphs, best_alignment, dag_log_likelihood, force_emission

SHAPE = golden_shape(24)
OPTIONS = {"factor": 3.0, "longest": 64, "glance_last": 0.5, "length": 0.1}
TRAIN = Step(update=0, smoothing=0.1, training=True)
VALID = replace(TRAIN, training=False)
SIZES, LENGTHS = GOLDEN["graph_sizes"], GOLDEN["tgt"].ne(1).sum(1)
# The vertices [4, 24] that exist, and the target places [4, 10].
EXISTS, PRESENT = GOLDEN["prev"].ne(1), GOLDEN["tgt"].ne(1)


@pytest.fixture
def method():
    return make_method("dat", OPTIONS)


@pytest.fixture
def model(method):
    return golden_model(method, SHAPE, GOLDEN)


@pytest.fixture
def packed(method):
    """The golden batch, with the normal numbers that were drawn there."""
    batch = method.pack(GOLDEN["src"], GOLDEN["tgt"], SYMBOLS, batch_generator(1))
    return batch | {"draw": GOLDEN["glat.draw_normal"][EXISTS]}


def target_of(packed):
    return Target.of(packed["target"], packed["lengths"], rows_of(packed["streams"]), 1)


def check_states(model, packed, states, prefix):
    """Logits, links and the scores of the target's tokens, where they exist."""
    logits = model.project(states.hidden["vertices"])
    close(logits, GOLDEN[f"{prefix}logits"][EXISTS])
    close(states.links, GOLDEN[f"{prefix}links"][EXISTS])
    match, word = target_of(packed).scores(states)
    present = PRESENT[rows_of(packed["streams"]).sentence]
    close(match[present], GOLDEN[f"{prefix}match"].transpose(1, 2)[EXISTS][present])
    assert torch.equal(word, logits.argmax(1))


def check_gradients(model, prefix, number):
    weights = dict(model.named_parameters())
    names = [name.removeprefix(prefix) for name in GOLDEN if name.startswith(prefix)]
    assert len(names) == number
    for name in names:
        close(weights[name].grad, GOLDEN[prefix + name], rtol=1e-4, atol=1e-6)


def test_the_graph_and_its_loss(method, model, packed):
    rows = rows_of(packed["streams"])
    assert torch.equal(rows.token, GOLDEN["prev"][EXISTS])
    states = model(source_of(packed["source"]), rows)
    check_states(model, packed, states, "")
    match, _ = target_of(packed).scores(states)
    graphs = Graphs(SIZES, LENGTHS)
    close(dag_log_likelihood(match, states.links, graphs), GOLDEN["dag_log_likelihood"])
    label, score = best_alignment(match, states.links, graphs)
    assert torch.equal(label, GOLDEN["best_alignment"][EXISTS])
    close(score, GOLDEN["best_path_log_prob"])


def test_the_plain_loss_and_its_gradients(model, packed):
    plain = make_method("dat", {**OPTIONS, "length": 0.0})
    loss = plain.loss(model, packed, VALID)
    close(loss.total, GOLDEN["plain_loss"])
    assert loss.terms["too_long"] == 0 and loss.terms["shown"] == 0 and "length" not in loss.terms
    loss.total.backward()
    check_gradients(model, "plain_grad.", 6)


def test_what_is_shown_and_the_second_pass(method, model, packed):
    rows, target = rows_of(packed["streams"]), target_of(packed)
    first = model(source_of(packed["source"]), rows)
    second = show(target, packed["draw"], 0.5, rows, first)
    assert torch.equal(second.token, GOLDEN["glat.input"][EXISTS])
    forced = second.read["vertices"].labels
    assert torch.equal(forced >= 0, GOLDEN["glat.revealed"][EXISTS])
    assert torch.equal(forced, GOLDEN["glat.force_emit"][EXISTS])
    counts = torch.zeros(4, dtype=torch.long).index_add(0, rows.sentence, (forced >= 0).long())
    assert torch.equal(counts, GOLDEN["glat.num_revealed"])
    states = model(source_of(packed["source"]), second)
    check_states(model, packed, states, "glat.")
    match, _ = target.scores(states)
    close(dag_log_likelihood(match, states.links, target.graphs), GOLDEN["glat.log_likelihood_without_forcing"])
    match = force_emission(match, target.graphs, forced)
    present = PRESENT[rows.sentence]
    close(match[present], GOLDEN["glat.match_forced"].transpose(1, 2)[EXISTS][present])
    close(dag_log_likelihood(match, states.links, target.graphs), GOLDEN["glat.log_likelihood"])


def test_the_loss_and_its_gradients(method, model, packed):
    loss = method.loss(model, packed, TRAIN)
    close(loss.total, GOLDEN["glat.loss_total"])
    close(loss.terms["dag"], GOLDEN["glat.loss_dag"])
    close(loss.terms["length"], GOLDEN["glat.loss_length_raw"])
    loss.total.backward()
    check_gradients(model, "grad.", 4)


def test_the_shares_of_the_authors():
    options = make_method("dat", {"glance_updates": 200_000}).options
    shares = [options.share(update) for update in GOLDEN["anneal_updates"].tolist()]
    assert shares == pytest.approx(GOLDEN["anneal_values"].tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "decoder", "settings"),
    [
        ("greedy", "dag_lookahead", {"beta": 0.0}),
        ("lookahead", "", {}),
        ("lookahead_ngram_c3_r2_top5", "", {"no_consecutive_ngram": 3, "no_repeated_ngram": 2}),
        ("jointviterbi_beta1", "dag_viterbi", {}),
        ("viterbi_beta1", "dag_viterbi", {"joint": False}),
    ],
)
def test_decodes_from_the_source(model, name, decoder, settings):
    decoding = Decoding.of(manner="nar", method="dat", decoder=decoder, **settings)
    outputs = decoding.decode(model.eval(), Source.of(GOLDEN["src"], 1))
    expected = [[token for token in row if token != 1] for row in GOLDEN[f"decode.{name}"].tolist()]
    assert [one.tokens.tolist() for [one] in outputs] == expected


@pytest.mark.parametrize("decoder", ["dag_lookahead", "dag_viterbi", "dag_beam"])
def test_a_sentence_decodes_alike_alone_and_in_a_batch(model, decoder):
    decoding = Decoding.of(manner="nar", method="dat", decoder=decoder)
    together = decoding.decode(model.eval(), Source.of(GOLDEN["src"], 1))
    for row, [expected] in zip(GOLDEN["src"], together, strict=True):
        [[alone]] = decoding.decode(model, Source.of(row[None], 1))
        assert alone.tokens.tolist() == expected.tokens.tolist()
        assert alone.score == pytest.approx(expected.score, abs=1e-5)


def test_a_sentence_alone_has_the_logits_and_links_of_the_batch(method, model, packed):
    rows = rows_of(packed["streams"])
    together = model(source_of(packed["source"]), rows)
    for b, size in enumerate(SIZES.tolist()):
        alone = method.pack(GOLDEN["src"][b : b + 1], GOLDEN["tgt"][b : b + 1], SYMBOLS, batch_generator(1))
        states = model(source_of(alone["source"]), rows_of(alone["streams"]))
        close(states.hidden["vertices"], together.hidden["vertices"][rows.sentence == b])
        close(states.links, together.links[rows.sentence == b][:, :size])


def test_rows_of_links_sum_to_one(model, packed):
    rows = rows_of(packed["streams"])
    links = model(source_of(packed["source"]), rows).links
    last = rows.place == SIZES[rows.sentence] - 1
    close(links.exp().sum(1), (~last).float())
    assert links[torch.arange(24) <= rows.place[:, None]].isneginf().all()


def test_links_do_not_depend_on_how_many_sentences_are_scored_at_a_time(model, packed, monkeypatch):
    rows, source = rows_of(packed["streams"]), source_of(packed["source"])
    together = model(source, rows).links
    monkeypatch.setattr(dat, "_LINKS", 1)
    close(model(source, rows).links, together)


def test_both_passes_draw_the_same_dropout(method, model, packed):
    noisy = method.network(method.configure(replace(SHAPE, dropout=0.3)))
    noisy.load_state_dict(model.state_dict())
    noisy.train()
    seen = []

    def glance(states):
        seen.append(states)
        return rows_of(packed["streams"])

    states = noisy(source_of(packed["source"]), rows_of(packed["streams"]), glance)
    assert torch.equal(states.hidden["vertices"], seen[0].hidden["vertices"])
    assert torch.equal(states.links, seen[0].links)
    assert not torch.equal(noisy(source_of(packed["source"]), rows_of(packed["streams"])).links, states.links)


def test_a_target_longer_than_its_graph_contributes_nothing(model):
    """At a factor of 1 the second sentence has 6 vertices for 10 tokens."""
    small = make_method("dat", {**OPTIONS, "factor": 1.0, "length": 0.0})
    batch = small.pack(GOLDEN["src"][:2], GOLDEN["tgt"][:2], SYMBOLS, batch_generator(1))
    sizes = torch.bincount(rows_of(batch["streams"]).sentence)
    assert sizes.tolist() == [8, 6] and LENGTHS[:2].tolist() == [8, 10]
    loss = small.loss(model, batch, VALID)
    assert loss.terms["too_long"] == 0.5
    loss.total.backward()
    alone = small.pack(GOLDEN["src"][:1], GOLDEN["tgt"][:1], SYMBOLS, batch_generator(1))
    close(loss.total, small.loss(model, alone, VALID).total / 2)
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in model.parameters())
    # Glancing has no path to show words of.
    assert small.loss(model, batch, TRAIN).total.isfinite()


def test_without_forced_emission_shown_vertices_still_pay_for_their_words(model, packed):
    free = make_method("dat", {**OPTIONS, "length": 0.0, "force_emit": False})
    loss = free.loss(model, packed, TRAIN)
    close(loss.total, -(GOLDEN["glat.log_likelihood_without_forcing"] / LENGTHS).mean())
    assert float(loss.terms["shown"]) == pytest.approx(15 / float(LENGTHS.sum()))


def test_the_size_of_the_graph():
    """bos is not counted; sizes are rounded down and bounded."""
    source = Source.of(torch.tensor([[0, 5, 6, 7, 2], [5, 6, 2, 1, 1], [2, 1, 1, 1, 1]]), 1)
    assert graph_sizes(source, 2.5, 0, 9).tolist() == [9, 7, 2]
    rows = blank_rows(torch.tensor([3, 2]), SYMBOLS)
    assert rows.token.tolist() == [0, 3, 2, 0, 2] and rows.place.tolist() == [0, 1, 2, 0, 1]
    assert rows.read["vertices"].labels.eq(-1).all()


def test_glancing_lasts_two_thirds_of_a_training():
    training = SimpleNamespace(
        training={"max_update": 900, "label_smoothing": 0.1, "valid_bleu_sentences": 0},
        model={"length_classes": 256, "init": "scaled"},
        source="de",
        target="en",
        start=None,
    )
    words = make_method("dat", {}).arguments(training)
    assert '"glance_updates": 600' in words[words.index("--method-options") + 1]


def test_what_the_checkpoint_of_another_shape_keeps(method):
    """A checkpoint without a length classifier is read as one whose sources begin with bos."""
    plain = make_method("dat", {"longest": 77})
    config = plain.configure(replace(SHAPE, length="absolute", source_bos=False))
    assert (config.length, config.source_bos, config.target_positions, config.factor) == ("none", True, 77, 8.0)
    assert method.configure(SHAPE).length == "absolute"
