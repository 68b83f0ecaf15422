"""DA-Transformer against the numbers of its authors' code, and its laws."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from janus.methods.base.batch import Symbols, rows_of, source_of
from janus.methods.base.method import Step
from janus.methods.base.registry import make_method
from janus.methods.dat import Target, show
from janus.model.config import TransformerConfig
from janus.noise.masks import batch_generator
from kernels.dag import Graphs, best_alignment, dag_log_likelihood, force_emission

GOLDEN = {
    name: torch.from_numpy(value).to(torch.long if value.dtype == np.int32 else torch.from_numpy(value).dtype)
    for name, value in np.load(Path(__file__).parents[1] / "golden" / "dat.npz").items()
}
SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)
SHAPE = TransformerConfig(
    source_vocabulary=24,
    target_vocabulary=24,
    dimension=16,
    encoder_layers=2,
    decoder_layers=2,
    encoder_ffn=32,
    decoder_ffn=32,
    encoder_heads=2,
    decoder_heads=2,
    source_positions=64,
    dropout=0.0,
)
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
    made = method.network(method.configure(SHAPE))
    weights = {name.removeprefix("param."): value for name, value in GOLDEN.items() if name.startswith("param.")}
    shared = weights["encoder.embed_tokens.weight"]
    weights |= {"decoder.embed_tokens.weight": shared, "decoder.output_projection.weight": shared}
    made.load_state_dict(weights)
    return made


@pytest.fixture
def packed(method):
    """The golden batch, with the normal numbers that were drawn there."""
    batch = method.pack(GOLDEN["src"], GOLDEN["tgt"], SYMBOLS, batch_generator(1))
    return batch | {"draw": GOLDEN["glat.draw_normal"][EXISTS]}


def target_of(packed):
    return Target.of(packed["target"], packed["lengths"], rows_of(packed["streams"]), 1)


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **{"rtol": 1e-5, "atol": 2e-5, **tolerance})


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
