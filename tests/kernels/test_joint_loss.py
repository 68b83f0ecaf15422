"""The joint loss operator against whole logits in float64: values and every gradient."""

import pytest
import torch
import torch.nn.functional as F

import kernels.joint_loss
from kernels.joint_loss import joint_loss
from kernels.joint_loss.reference import joint_loss_reference

PAPER, RELEASE = [(2, 1, 2.0), (0, 1, 2.0)], [(2, 1, 3.0), (0, 1, 1.0), (2, 0, 1.0)]
# (rows, of them aligned tokens, pairs)
SHAPES = [
    (37, 7, PAPER),
    (37, 7, RELEASE),
    (9, 3, RELEASE),
    (12, 5, [(1, 0, 0.5)]),
    (11, 4, []),
    (8, 0, PAPER),
    (0, 0, []),
]


def draw(rows: int, words: int = 53, width: int = 16, dtype: torch.dtype = torch.float64) -> list:
    generator = torch.Generator().manual_seed(rows)
    real = [torch.randn(*shape, generator=generator, dtype=dtype) for shape in ((rows, width), (words, width))]
    labels = torch.randint(0, words, (rows,), generator=generator)
    return [*(x.requires_grad_() for x in real), labels, torch.rand(rows, generator=generator, dtype=dtype)]


def results(function, inputs: list, *options) -> list[torch.Tensor]:
    outputs = function(*inputs, *options)
    leaves = [x for x in (*inputs, *options) if isinstance(x, torch.Tensor) and x.requires_grad]
    return [*outputs, *torch.autograd.grad(3 * outputs[0], leaves)]


def margins_of(rows: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Some of them zero, some larger than the spread of the logits."""
    generator = torch.Generator().manual_seed(rows + 1)
    drawn = 6 * torch.rand(rows, generator=generator, dtype=dtype)
    return drawn.masked_fill(torch.rand(rows, generator=generator) < 0.3, 0.0).requires_grad_()


@pytest.fixture(params=["whole", "chunked"])
def chunk(request, monkeypatch):
    """Whole batches, and chunks of very few rows whose last one is smaller."""
    if request.param == "chunked":
        monkeypatch.setattr(kernels.joint_loss, "_CHUNK", dict.fromkeys(("cpu", "cuda"), 8 * 4 * 53))
        monkeypatch.setattr(kernels.joint_loss.rows, "_BLOCK", 3 * 53)


@pytest.mark.parametrize(("rows", "tokens", "pairs"), SHAPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_float64_equals_the_reference(chunk, rows, tokens, pairs, smoothing):
    inputs, options = draw(rows), (tokens, pairs, smoothing)
    for ours, theirs in zip(results(joint_loss, inputs, *options), results(joint_loss_reference, inputs, *options)):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("rows", "tokens", "pairs"), SHAPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_margins_equal_the_reference_in_float64(chunk, rows, tokens, pairs, smoothing):
    inputs, options = draw(rows), (tokens, pairs, smoothing, margins_of(rows))
    for ours, theirs in zip(results(joint_loss, inputs, *options), results(joint_loss_reference, inputs, *options)):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("rows", "tokens", "pairs"), SHAPES)
def test_margins_equal_the_reference_in_the_operator_of_the_processor(chunk, rows, tokens, pairs):
    exact, margins = draw(rows), margins_of(rows)
    single = [x.detach().float().requires_grad_() for x in exact[:2]] + [exact[2], exact[3].float()]
    lowered = margins.detach().float().requires_grad_()
    for ours, theirs in zip(
        results(joint_loss, single, tokens, pairs, 0.1, lowered),
        results(joint_loss_reference, exact, tokens, pairs, 0.1, margins),
    ):
        scale = float(theirs.detach().abs().max()) if theirs.numel() else 0
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-5 * scale)


def test_a_margin_is_the_cross_entropy_of_a_lowered_gold_logit():
    hidden, vocabulary, labels, _ = draw(6)
    margins, weights = margins_of(6), torch.full((6,), 1 / 6)
    total, _, nll, _ = joint_loss(hidden, vocabulary, labels, weights, 0, [], 0.1, margins)
    scores = hidden @ vocabulary.T - margins[:, None] * F.one_hot(labels, 53)
    torch.testing.assert_close(total, F.cross_entropy(scores, labels, label_smoothing=0.1))
    torch.testing.assert_close(nll, F.cross_entropy(scores, labels, reduction="none"))


def test_divergences_read_the_distributions_without_margins():
    inputs, weights = draw(10), torch.zeros(10)
    plain, lowered = (
        joint_loss(*inputs[:3], weights, 5, [(0, 1, 1.0)], 0.1, margins) for margins in (None, margins_of(10))
    )
    assert torch.equal(plain[0], lowered[0]) and torch.equal(plain[3], lowered[3])
    assert not torch.equal(plain[2], lowered[2])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_margins_of_zero_are_the_plain_loss(dtype):
    inputs = draw(37, dtype=dtype)
    none = torch.zeros(37, dtype=dtype)
    for ours, theirs in zip(
        results(joint_loss, inputs, 7, RELEASE, 0.1, none), results(joint_loss, inputs, 7, RELEASE, 0.1)
    ):
        assert torch.equal(ours, theirs)


def test_a_margin_never_lowers_the_loss():
    inputs = draw(37)
    plain, lowered = (joint_loss(*inputs, 7, RELEASE, 0.0, margins)[1] for margins in (None, margins_of(37)))
    assert (lowered >= plain).all() and (lowered > plain).sum() == (margins_of(37) > 0).sum()


def test_as_many_margins_as_rows():
    with pytest.raises(ValueError, match="8 margins for 9 rows"):
        joint_loss(*draw(9), 3, RELEASE, 0.1, torch.zeros(8))


def test_gradients_against_finite_differences():
    inputs = draw(10, words=11, width=4)
    assert torch.autograd.gradcheck(
        lambda h, w, m: joint_loss(h, w, *inputs[2:], 3, RELEASE, 0.1, m)[0],
        [*inputs[:2], margins_of(10)],
        check_batched_grad=False,
    )
    assert torch.autograd.gradcheck(
        lambda h, w: joint_loss(h, w, *inputs[2:], 3, RELEASE, 0.1)[0], inputs[:2], check_batched_grad=False
    )


def test_cross_entropy_equals_torch():
    hidden, vocabulary, labels, _ = draw(6)
    weights = torch.full((6,), 1 / 6)
    total, _, nll, _ = joint_loss(hidden, vocabulary, labels, weights, 0, [], 0.1)
    scores = hidden @ vocabulary.T
    torch.testing.assert_close(total, F.cross_entropy(scores, labels, label_smoothing=0.1))
    torch.testing.assert_close(nll, F.cross_entropy(scores, labels, reduction="none"))


def test_divergence_equals_torch():
    hidden, vocabulary, labels, _ = draw(10)
    divergence = joint_loss(hidden, vocabulary, labels, torch.zeros(10), 5, [(0, 1, 1.0)], 0.1)[3]
    p, q = (hidden @ vocabulary.T).log_softmax(-1).split(5)
    both = F.kl_div(q, p, reduction="none", log_target=True) + F.kl_div(p, q, reduction="none", log_target=True)
    torch.testing.assert_close(divergence[0], both.sum(1) / 2)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 3e-2), (torch.float16, 4e-3)])
def test_products_in_the_type_of_autocast(dtype, tolerance):
    """Thousands of rows, each of tiny weight: nothing vanishes, and only the products are rounded."""
    inputs = draw(2000, dtype=torch.float32)
    inputs[3] = torch.full((2000,), 1e-4)
    pairs = [(0, 1, 2e-4)]
    exact = results(joint_loss_reference, inputs, 900, pairs, 0.1)
    with torch.autocast("cpu", dtype):
        rounded = results(joint_loss, inputs, 900, pairs, 0.1)
    for ours, theirs in zip(rounded, exact):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance * float(theirs.detach().abs().max()))


def test_float16_weights_survive_a_scaled_loss():
    """As fairseq's --fp16 does it: half weights, the total times a scale; tiny gradients do not vanish before that."""
    exact = draw(600)
    half = [x.detach().half().requires_grad_() for x in exact[:2]]
    weights = torch.full((600,), 1e-6)
    total, *_ = joint_loss(*half, exact[2], weights, 0, [], 0.1)
    gradients = torch.autograd.grad(total * 65536.0, half)
    expected = joint_loss_reference(*exact[:2], exact[2], weights.double(), 0, [], 0.1)[0] * 65536.0
    for ours, theirs in zip(gradients, torch.autograd.grad(expected, exact[:2])):
        assert ours.dtype == torch.float16
        torch.testing.assert_close(ours.double(), theirs, rtol=3e-2, atol=2e-2 * float(theirs.abs().max()))


def test_extreme_logits_stay_finite():
    """Logits of hundreds: probabilities of exactly zero and one; float32 stays near float64."""
    exact = draw(9)
    exact[0] = exact[0].detach().mul(100).requires_grad_()
    single = [x.detach().float().requires_grad_() for x in exact[:2]] + [exact[2], exact[3].float()]
    for ours, theirs in zip(
        results(joint_loss, single, 3, RELEASE, 0.1), results(joint_loss_reference, exact, 3, RELEASE, 0.1)
    ):
        assert ours.isfinite().all()
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-4 * float(theirs.detach().abs().max()))


def test_without_gradient_nothing_of_its_size_is_made():
    inputs = [x.detach() for x in draw(9)]
    total, *_ = joint_loss(*inputs, 3, RELEASE, 0.1)
    assert not total.requires_grad
    torch.testing.assert_close(total, joint_loss_reference(*inputs, 3, RELEASE, 0.1)[0])


@pytest.mark.slow
def test_torch_compile_sees_through_it():
    inputs = draw(12, dtype=torch.float32)

    def step(hidden, vocabulary):
        return joint_loss(hidden, vocabulary, *inputs[2:], 4, RELEASE, 0.1)[0] * 2

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    for ours, theirs in zip(
        torch.autograd.grad(compiled(*inputs[:2]), inputs[:2]), torch.autograd.grad(step(*inputs[:2]), inputs[:2])
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("margins", [torch.zeros(0), margins_of(9, torch.float32)])
def test_operator_registration(margins):
    hidden, vocabulary, labels, weights = draw(9, dtype=torch.float32)
    first, second, pair_weights = ([pair[part] for pair in RELEASE] for part in range(3))
    torch.library.opcheck(
        torch.ops.janus.joint_loss.default,
        (hidden, vocabulary, labels, weights, margins, 3, first, second, pair_weights, 0.1, torch.float32, True),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="9 rows cannot hold 3 streams of 4 tokens"):
        joint_loss(*draw(9), 4, RELEASE, 0.1)


@pytest.fixture
def triton_scores(monkeypatch):
    """Make the operator take its Triton kernel, in the interpreter where there is no GPU."""
    from kernels.joint_loss import triton_rows

    monkeypatch.setattr(triton_rows, "_BLOCK", 32)
    monkeypatch.setattr(kernels.joint_loss, "_scorer", lambda device: triton_rows.score_rows)


@pytest.mark.slow
@pytest.mark.parametrize("words", [53, 64, 131])
@pytest.mark.parametrize(("rows", "tokens", "pairs"), SHAPES)
@pytest.mark.parametrize("lowers", [False, True])
def test_triton_equals_the_reference(triton_scores, chunk, device, rows, tokens, pairs, words, lowers):
    exact, margins = draw(rows, words), margins_of(rows) if lowers else None
    single = [x.detach().to(device, torch.float32 if x.is_floating_point() else None) for x in exact]
    single = [*(x.requires_grad_() for x in single[:2]), *single[2:]]
    options = (tokens, pairs, 0.1)
    lowered = None if margins is None else margins.detach().to(device, torch.float32).requires_grad_()
    for ours, theirs in zip(
        results(joint_loss, single, *options, lowered), results(joint_loss_reference, exact, *options, margins)
    ):
        scale = float(theirs.detach().abs().max()) if theirs.numel() else 0
        torch.testing.assert_close(ours.double().cpu(), theirs, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_triton_in_half_precision(triton_scores, device, dtype):
    exact = draw(37)
    single = [x.detach().to(device, torch.float32 if x.is_floating_point() else None) for x in exact]
    single = [*(x.requires_grad_() for x in single[:2]), *single[2:]]
    with torch.autocast(device, dtype):
        rounded = results(joint_loss, single, 7, RELEASE, 0.1)
    for ours, theirs in zip(rounded, results(joint_loss_reference, exact, 7, RELEASE, 0.1)):
        torch.testing.assert_close(
            ours.double().cpu(), theirs, rtol=3e-2, atol=3e-2 * float(theirs.detach().abs().max())
        )


def test_triton_reads_nothing_beyond_the_logits(device):
    """Poison lies around the chunk; neither losses nor neighbours change."""
    from kernels.joint_loss import rows, triton_rows

    generator = torch.Generator().manual_seed(1)
    clean = torch.randn(3, 4, 37, generator=generator)
    memory = torch.full((clean.numel() + 200,), float("nan"), device=device)
    logits = memory[100:-100].view_as(clean).copy_(clean)
    labels = torch.randint(0, 37, (3, 4), generator=generator).to(device)
    weights = torch.rand(3, 4, generator=generator).to(device)
    losses = [torch.empty(3, 4, device=device) for _ in range(2)]
    divergence = torch.empty(3, 4, device=device)
    triton_rows.score_rows(logits, labels, weights, RELEASE, 0.1, *losses, divergence, True)
    expected = [torch.empty(3, 4) for _ in range(2)]
    expected_divergence = torch.empty(3, 4)
    rows.score_rows(clean, labels.cpu(), weights.cpu(), RELEASE, 0.1, *expected, expected_divergence, True)
    for ours, theirs in zip([logits, *losses, divergence], [clean, *expected, expected_divergence]):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-5)
    assert memory[:100].isnan().all() and memory[-100:].isnan().all()


def test_triton_refuses_a_fourth_stream(device):
    from kernels.joint_loss import triton_rows

    empty = [torch.zeros(4, 2, device=device) for _ in range(3)]
    with pytest.raises(ValueError, match="at most 3 streams, not 4"):
        triton_rows.score_rows(
            torch.zeros(4, 2, 5, device=device),
            empty[0].long(),
            empty[0],
            [(0, 3, 1.0)],
            0.1,
            *empty[1:],
            empty[0],
            True,
        )


def test_a_gpu_without_triton_is_an_error(monkeypatch):
    from kernels import backend

    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="need the package triton"):
        backend.uses_triton(torch.device("cuda"))
    assert not backend.uses_triton(torch.device("cpu"))
