"""FlowSeq against the numbers of its authors' code, and its laws."""

from dataclasses import replace

import pytest
import torch
from flowseq_golden import FILLED, GOLDEN, OPTIONS, SHAPE, WORDS, golden_flowseq, golden_source, parts_of
from golden_zoo import SYMBOLS, close
from torch.distributions import Normal

from janus.errors import InputError
from janus.methods.base.batch import as_plain, pack_source, rows_of
from janus.methods.base.method import Step, Training
from janus.methods.base.registry import make_method
from janus.methods.flowseq import FlowseqOptions, bound, filled, length_losses
from janus.model import flow
from janus.model.flow import ActNorm, Coupling, moments
from janus.model.latent import LatentConfig
from janus.model.ragged import Source
from janus.noise.masks import batch_generator

PHASES = OPTIONS | {"init_updates": 2, "kl_updates": 4}
OWNER = torch.arange(4)


@pytest.fixture
def model():
    return golden_flowseq()


def encoded(model):
    memory, _ = model.encode(golden_source())
    streams = model.rows(WORDS, OWNER)
    return streams, memory, model.level(streams, memory)


def golden(name):
    """The rows of a golden array [4, T, D] that hold a word."""
    return GOLDEN[name][FILLED]


# ---- the authors' numbers ------------------------------------------------------------------------------------------


def test_posterior_and_its_draw(model):
    streams, memory, level = encoded(model)
    close(memory.encoded, GOLDEN["src_enc"][GOLDEN["src_mask"].bool()], atol=1e-6)
    mean, log_variance = model.approximate(streams, memory)
    close(mean, golden("mu"), atol=1e-6)
    close(log_variance, golden("logvar"), atol=1e-6)
    drawn = model.draw(mean, log_variance, golden("eps"), level)
    close(drawn.rows, golden("z"), atol=1e-6)
    close(drawn.log_probability, GOLDEN["log_q"], rtol=1e-6, atol=0)


def test_prior(model):
    _, _, level = encoded(model)
    noise, determinant = model.prior(golden("z"), level)
    close(noise, golden("prior_eps"), atol=2e-6)
    close(determinant, GOLDEN["prior_logdet"], rtol=1e-6, atol=0)
    close(model.log_prior(golden("z"), level), GOLDEN["log_p_z"], rtol=1e-6, atol=0)


def test_length(model):
    _, memory, level = encoded(model)
    close(length_losses(model, memory, level.rows, 0.1), GOLDEN["length_loss"], atol=1e-6)


def test_bound_and_its_gradients(model):
    streams, memory, level = encoded(model)
    parts = bound(model, streams, memory, golden("eps"), 0.1)
    close(parts.reconstruction, GOLDEN["recon"].mean(), atol=0)
    close(parts.divergence, GOLDEN["kl"].mean(), rtol=1e-6, atol=0)
    close(parts.length, GOLDEN["length_loss"].mean(), atol=0)
    total = parts.reconstruction + 0.3 * parts.divergence + parts.length
    close(total, GOLDEN["loss_kl_weight_0p3"], rtol=1e-6, atol=0)
    total.backward()
    weights, known = dict(model.named_parameters()), [name for name in GOLDEN if name.startswith("grad.")]
    assert len(known) == 6
    for name in known:
        for ours, gradient in parts_of(name.removeprefix("grad."), GOLDEN[name]).items():
            close(weights[ours].grad, gradient, rtol=1e-4, atol=1e-5)


def test_reconstruction_of_each_sentence(model):
    streams, memory, level = encoded(model)
    log_probs = model.project(model.read(golden("z"), streams, memory)).log_softmax(1)
    nll = -0.9 * log_probs.gather(1, WORDS[FILLED][:, None]) - 0.1 * log_probs.mean(1, keepdim=True)
    close(level.total(nll), GOLDEN["recon"], atol=0)


# ---- laws of the flow ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_log_determinant_is_that_of_the_jacobian(model):
    number = int(GOLDEN["brute_sentence"])
    model = model.double()
    model.encoder.embed_positions.table = model.encoder.embed_positions.table.double()
    memory, _ = model.encode(Source.of(GOLDEN["src"][number : number + 1, : int(GOLDEN["src_mask"][number].sum())], 1))
    streams = model.rows(WORDS[number : number + 1], torch.zeros(1, dtype=torch.long))
    level = model.level(streams, memory)
    z = GOLDEN["z"][number][FILLED[number]].double()
    matrix = torch.autograd.functional.jacobian(lambda x: model.prior(x, level)[0], z).reshape(z.numel(), z.numel())
    brute = torch.linalg.slogdet(matrix).logabsdet
    close(model.prior(z, level)[1][0], brute, rtol=1e-10, atol=0)
    close(brute.float(), GOLDEN["brute_logdet"], rtol=1e-6, atol=0)


def test_flow_is_inverted(model):
    _, _, level = encoded(model)
    noise, determinant = model.prior(golden("z"), level)
    z, back = model.prior.inverse(noise, level)
    torch.testing.assert_close(z, golden("z"), rtol=0, atol=1e-5)
    torch.testing.assert_close(-back, determinant, rtol=1e-6, atol=0)


@pytest.mark.parametrize("levels", [1, 3])
def test_flow_of_other_levels_is_inverted(levels):
    torch.manual_seed(1)
    method = make_method("flowseq", {"levels": levels, "steps": 1, "last_steps": 1})
    model = method.network(method.configure(replace(SHAPE, dimension=32))).double().eval()
    for layer in model.prior.modules():
        if isinstance(layer, Coupling):
            # With weights around 1 the inverse of three levels multiplies rounding by 1e8, around 0.3 by 100.
            torch.nn.init.normal_(layer.net.out.weight_g, std=0.3)
    memory, _ = model.encode(golden_source())
    streams = model.rows(filled(framed([3, 9, 4, 1]), SYMBOLS, 4), OWNER)
    level = model.level(streams, memory)
    z = torch.randn(streams.token.numel(), 32, dtype=torch.double)
    noise, determinant = model.prior(z, level)
    back, other = model.prior.inverse(noise, level)
    torch.testing.assert_close(back, z, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(other, -determinant, rtol=1e-11, atol=1e-11)
    assert not torch.allclose(noise, z)


def test_no_sentence_depends_on_its_batch(model):
    _, _, level = encoded(model)
    together = model.log_prior(golden("z"), level)
    for number in range(4):
        own = Source.of(GOLDEN["src"][number : number + 1, : int(GOLDEN["src_mask"][number].sum())], 1)
        memory, _ = model.encode(own)
        streams = model.rows(WORDS[number : number + 1], torch.zeros(1, dtype=torch.long))
        mean, _ = model.approximate(streams, memory)
        close(mean, GOLDEN["mu"][number][FILLED[number]], atol=1e-6)
        z = GOLDEN["z"][number][FILLED[number]]
        close(model.log_prior(z, model.level(streams, memory))[0], together[number], rtol=1e-6, atol=0)


def test_draw_has_the_density_of_its_normal(model):
    streams, memory, level = encoded(model)
    mean, log_variance = model.approximate(streams, memory)
    drawn = model.draw(mean, log_variance, golden("eps"), level)
    density = Normal(mean, (0.5 * log_variance).exp()).log_prob(drawn.rows)
    close(drawn.log_probability, level.total(density), rtol=1e-6, atol=0)


def test_samples_of_the_prior_have_its_density(model):
    _, _, level = encoded(model)
    drawn = model.sample_prior(golden("eps"), level)
    torch.testing.assert_close(model.log_prior(drawn.rows, level), drawn.log_probability, rtol=1e-5, atol=0)


# ---- the beginning from data ---------------------------------------------------------------------------------------


def new_model(options=PHASES):
    torch.manual_seed(3)
    method = make_method("flowseq", options)
    return method, method.network(method.configure(SHAPE))


def packed_words():
    return {
        "source": pack_source(GOLDEN["src"].masked_fill(~GOLDEN["src_mask"].bool(), 1), 1),
        "streams": as_plain(golden_flowseq().rows(WORDS, OWNER)),
        "seed": 5,
    }


def step(update, training=True):
    return Step(update=update, smoothing=0.1, training=training)


def test_every_norm_begins_by_standardising(monkeypatch):
    _, model = new_model()
    seen = []
    original = ActNorm.forward

    def note(layer, x, level):
        out = original(layer, x, level)
        seen.append(out[0].detach())
        return out

    monkeypatch.setattr(ActNorm, "forward", note)
    streams, _, level = encoded(model)
    model.prior.fit(3 * torch.randn(streams.token.numel(), 16) + 1, level)
    assert len(seen) == sum(isinstance(layer, ActNorm) for layer in model.prior.modules()) > 5
    for out in seen:
        torch.testing.assert_close(out.mean(0), torch.zeros(16), rtol=0, atol=1e-5)
        torch.testing.assert_close(out.std(0), torch.ones(16), rtol=0, atol=1e-4)


def test_prior_begins_once_and_a_checkpoint_knows():
    method, model = new_model()
    first = {name: value.clone() for name, value in model.state_dict().items()}
    method.loss(model, packed_words(), step(1))
    method.loss(model, packed_words(), step(2, training=False))
    assert all(torch.equal(value, first[name]) for name, value in model.state_dict().items())
    method.loss(model, packed_words(), step(2))
    begun = {name: value.clone() for name, value in model.state_dict().items()}
    assert begun["begun"] == 1 and model.training
    changed = {name for name, value in begun.items() if not torch.equal(value, first[name])} - {"begun"}
    norms = {name for name, layer in model.named_modules() if isinstance(layer, ActNorm)}
    assert changed and {name.rpartition(".")[0] for name in changed} <= norms
    method.loss(model, packed_words(), step(3))
    assert all(torch.equal(value, begun[name]) for name, value in model.state_dict().items())
    _, resumed = new_model()
    resumed.load_state_dict(begun)
    one, other = (method.loss(each.eval(), packed_words(), step(3)).total for each in (model, resumed))
    assert torch.equal(one, other)


def test_beginning_is_deterministic():
    states = []
    for _ in range(2):
        method, model = new_model()
        torch.manual_seed(4)
        method.loss(model, packed_words(), step(2))
        states.append(model.state_dict())
        torch.rand(3)
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_moments_are_those_of_all_processes(monkeypatch):
    own, other = torch.randn(7, 5), torch.randn(11, 5) * 2 + 1
    x = other.double()
    sums = torch.stack([torch.full((5,), 11.0).double(), x.sum(0), x.square().sum(0)])
    monkeypatch.setattr(flow.torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(flow.torch.distributed, "all_reduce", lambda tensor: tensor.add_(sums))
    mean, deviation = moments(own)
    every = torch.cat([own, other]).double()
    torch.testing.assert_close(mean, every.mean(0))
    torch.testing.assert_close(deviation, every.std(0))


def test_half_precision_is_refused():
    method, model = new_model()
    model.prior.half()
    with pytest.raises(InputError, match="train in float32 or with precision bfloat16"):
        method.loss(model, packed_words(), step(2))


# ---- the phases of a training --------------------------------------------------------------------------------------


def test_weight_of_the_divergence():
    options = FlowseqOptions(init_updates=2, kl_updates=4)
    assert [options.weight(update) for update in range(8)] == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert FlowseqOptions(init_updates=0, kl_updates=0).weight(0) == 1


def test_first_phase_decodes_the_mean():
    method, model = new_model()
    model.eval()
    loss = method.loss(model, packed_words(), step(0))
    streams, memory, _ = encoded(model)
    parts = bound(model, streams, memory, torch.zeros(streams.token.numel(), 16), 0.1, divergence=False)
    assert torch.equal(loss.total, parts.reconstruction + parts.length) and loss.size == 4
    loss.total.backward()
    unlearned = {id(value) for value in model.not_learned_yet()}
    for name, value in model.named_parameters():
        assert value.grad is not None, name
        # A bias of keys changes no softmax.
        assert name.endswith("k_proj.bias") or value.grad.any() != (id(value) in unlearned), name


def test_later_the_bound_is_weighed():
    method, model = new_model()
    losses = [method.loss(model.eval(), packed_words(), step(update)) for update in (2, 3, 9)]
    for loss, weight in zip(losses, (0.25, 0.5, 1)):
        terms = loss.terms
        expected = terms["reconstruction"] + weight * terms["divergence"] + terms["length"]
        torch.testing.assert_close(loss.total.detach(), expected)
    assert losses[0].terms["divergence"] != 0 and losses[0].terms["divergence"] == losses[2].terms["divergence"]


def test_validation_is_the_bound_in_every_phase():
    method, model = new_model()
    early, late = (method.loss(model.eval(), packed_words(), step(update, training=False)) for update in (0, 50))
    assert torch.equal(early.total, late.total) and not model.begun


def test_phases_have_their_share_of_the_training():
    method = make_method("flowseq", {"kl_updates": 7})
    block = {"max_update": 800, "label_smoothing": 0.1, "valid_bleu_sentences": 0}
    words = method.arguments(
        Training("task", {"length_classes": 256, "init": "scaled"}, block, {}, source="de", target="en")
    )
    text = words[words.index("--method-options") + 1]
    assert '"init_updates": 160' in text and '"kl_updates": 7' in text


# ---- rows ----------------------------------------------------------------------------------------------------------


def framed(lengths):
    """Targets bos … eos of so many words, padded."""
    rows = [torch.tensor([0, *range(5, 5 + length), 2]) for length in lengths]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=1)


def test_targets_are_filled_with_end_symbols():
    found = filled(framed([3, 4, 0, 5]), SYMBOLS, 4).tolist()
    assert found == [
        [5, 6, 7, 2, 1, 1, 1, 1],
        [5, 6, 7, 8, 1, 1, 1, 1],
        [2, 2, 2, 2, 1, 1, 1, 1],
        [5, 6, 7, 8, 9, 2, 2, 2],
    ]


def test_pack():
    method = make_method("flowseq", OPTIONS)
    source = torch.tensor([[0, 5, 6, 2], [0, 5, 2, 1]])
    packed = method.pack(source, framed([3, 2]), SYMBOLS, batch_generator(1))
    again = method.pack(source, framed([3, 2]), SYMBOLS, batch_generator(1))
    streams = rows_of(packed["streams"])
    assert streams.token.tolist() == [5, 6, 7, 2, 5, 6] and streams.sentence.tolist() == [0, 0, 0, 0, 1, 1]
    assert packed["seed"] == again["seed"]
    assert packed["seed"] != method.pack(source, framed([3, 2]), SYMBOLS, batch_generator(2))["seed"]


def test_length_of_a_target_beyond_all_differences_is_the_nearest(model):
    _, memory, _ = encoded(model)
    log_probs, lengths = model.length_log_probs(memory)
    # Multiples of 2 within 8 of the sources' 8, 6, 5 and 4 tokens.
    long = length_losses(model, memory, torch.tensor([40, 40, 40, 40]), 0.0)
    places = [list(row).index(length) for row, length in zip(lengths.tolist(), (16, 14, 12, 12))]
    close(long, -log_probs[OWNER, places])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"levels": 5, "differences": 7}, "multiples of 16, which no difference may reach"),
        ({"no": 1}, "no"),
    ],
)
def test_options_that_do_not_fit(options, words):
    with pytest.raises(InputError, match=words):
        make_method("flowseq", options)


def test_heads_have_to_divide_half_of_the_width():
    method = make_method("flowseq", OPTIONS)
    with pytest.raises(InputError, match="half of the width 16 is no multiple of 3 heads"):
        method.configure(replace(SHAPE, decoder_heads=3))
    assert isinstance(method.configure(SHAPE), LatentConfig)


def test_dropout_of_its_own_follows_that_of_the_training():
    method, names = make_method("flowseq", OPTIONS), ("word_dropout", "dropped_words", "length_dropout")
    for dropout, expected in ((0.0, [0.0, 0.0, 0.0]), (0.1, [0.2, 0.2, 0.33])):
        config = method.configure(replace(SHAPE, dropout=dropout))
        assert [getattr(config, name) for name in names] == expected
