"""The label scores against whole logits in float64: values and every gradient."""

import pytest
import torch
import torch.nn.functional as F

import kernels.label_scores
from kernels.label_scores import label_scores, label_sets
from kernels.label_scores.reference import label_scores_reference

# (rows, words, width, labels of each sentence)
SHAPES = [
    (37, 53, 16, [3, 1, 7, 5]),
    (9, 31, 5, [4]),
    (13, 8, 3, [0, 2]),
    (1, 2, 1, [1]),
    (6, 5, 4, [5, 4]),
    (0, 11, 4, [2]),
]


def draw(rows: int, words: int, width: int, counts: list[int], dtype: torch.dtype = torch.float64) -> list:
    generator = torch.Generator().manual_seed(rows)
    real = [torch.randn(*shape, generator=generator, dtype=dtype) for shape in ((rows, width), (words, width))]
    sentence = torch.randint(0, len(counts), (rows,), generator=generator)
    labels = torch.full((len(counts), max(counts) + 1), -1)
    for row, count in zip(labels, counts):
        row[:count] = torch.randperm(words, generator=generator)[:count]
    return [*(x.requires_grad_() for x in real), sentence, labels[:, : max(max(counts), 1)]]


def results(function, inputs: list, weight_dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    """Scores, mean, word, best, and the gradients of a random sum of all scores that are numbers, and of the means."""
    outputs = function(*inputs)
    generator = torch.Generator().manual_seed(7)
    weights = [torch.randn(x.shape, generator=generator, dtype=weight_dtype).to(x.dtype) for x in outputs[:2]]
    finite = outputs.scores.isfinite()
    total = (weights[0] * outputs.scores.masked_fill(~finite, 0)).sum() + (weights[1] * outputs.mean).sum()
    return [*outputs, *torch.autograd.grad(total, inputs[:2])]


@pytest.fixture(params=["whole", "chunked"])
def chunk(request, monkeypatch):
    """Whole batches, and chunks of very few rows whose last one is smaller."""
    if request.param == "chunked":
        monkeypatch.setattr(kernels.label_scores, "_CHUNK", dict.fromkeys(("cpu", "cuda"), 4 * 4 * 53))


@pytest.mark.parametrize("shape", SHAPES)
def test_float64_equals_the_reference(chunk, shape):
    inputs = draw(*shape)
    for ours, theirs in zip(results(label_scores, inputs), results(label_scores_reference, inputs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_float32_is_near_it(chunk, shape):
    exact = draw(*shape)
    single = [x.detach().float().requires_grad_() for x in exact[:2]] + exact[2:]
    for ours, theirs in zip(results(label_scores, single), results(label_scores_reference, exact), strict=True):
        assert ours.dtype == (torch.float32 if theirs.is_floating_point() else torch.long)
        torch.testing.assert_close(ours.to(theirs.dtype), theirs, rtol=1e-4, atol=1e-5)


def test_gradients_against_finite_differences():
    hidden, vocabulary, sentence, labels = draw(7, 11, 4, [3, 3])
    assert torch.autograd.gradcheck(
        lambda h, w: label_scores(h, w, sentence, labels)[:2], (hidden, vocabulary), check_batched_grad=False
    )


def test_every_row_is_a_distribution():
    scores = label_scores(*draw(37, 53, 16, [3, 1, 7, 5])).scores
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(37, dtype=torch.float64))


def test_a_label_for_each_row_is_a_cross_entropy():
    hidden, vocabulary, *_ = draw(6, 31, 5, [1])
    gold = torch.tensor([3, 30, 0, 3, 7, 8])
    scores, mean, word, best = label_scores(hidden, vocabulary, torch.arange(6), gold[:, None])
    logits = hidden @ vocabulary.T
    smoothed = -(0.9 * scores[:, 0] + 0.1 * mean).mean()
    torch.testing.assert_close(smoothed, F.cross_entropy(logits, gold, label_smoothing=0.1))
    assert torch.equal(word, logits.argmax(1))
    torch.testing.assert_close(best, logits.log_softmax(1).max(1).values)
    assert not best.requires_grad


@pytest.mark.parametrize("part", ["scores", "mean"])
def test_one_output_alone_has_its_gradient(part):
    inputs = draw(9, 31, 5, [4])
    ours, theirs = (
        torch.autograd.grad(getattr(function(*inputs), part).square().sum(), inputs[:2])
        for function in (label_scores, label_scores_reference)
    )
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one, other)


def test_gradients_of_columns_without_a_label_are_ignored():
    inputs = draw(37, 53, 16, [3, 1, 7, 5])
    scores = label_scores(*inputs).scores
    poison = torch.where(scores.isfinite(), 1.0, torch.nan)
    for gradient in torch.autograd.grad(scores, inputs[:2], poison):
        assert gradient.isfinite().all()


def test_extreme_logits_stay_finite():
    """Logits of hundreds: the rest has a logarithm far below that of the smallest float32."""
    exact = draw(9, 31, 5, [4])
    exact[0] = exact[0].detach().mul(300).requires_grad_()
    single = [x.detach().float().requires_grad_() for x in exact[:2]] + exact[2:]
    ours, theirs = results(label_scores, single), results(label_scores_reference, exact)
    assert float(theirs[0][:, -1].detach().min()) < -104
    for one, other in zip(ours, theirs):
        assert one.isfinite().all()
        scale = float(other.detach().double().abs().max())
        torch.testing.assert_close(one.to(other.dtype), other, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 3e-2), (torch.float16, 4e-3)])
def test_products_in_the_type_of_autocast(dtype, tolerance):
    """Gradients that are tiny in each row do not vanish, and only the products are rounded."""
    inputs = draw(2000, 53, 16, [3, 1, 7, 5], torch.float32)
    with torch.autocast("cpu", dtype):
        rounded = label_scores(*inputs)
    exact = label_scores_reference(*inputs)
    gradients = []
    for outputs in (rounded, exact):
        finite = outputs.scores.isfinite()
        total = 1e-7 * (outputs.scores.masked_fill(~finite, 0).square().sum() + outputs.mean.square().sum())
        gradients.append(torch.autograd.grad(total, inputs[:2]))
    for ours, theirs in zip((*rounded[:2], *gradients[0]), (*exact[:2], *gradients[1])):
        assert ours.dtype == torch.float32
        scale = float(theirs.detach().masked_fill(~theirs.isfinite(), 0).abs().max())
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance * scale)


def test_without_gradient_none_is_kept():
    hidden, vocabulary, *others = draw(9, 31, 5, [4])
    with torch.no_grad():
        assert not label_scores(hidden, vocabulary, *others).scores.requires_grad


def test_label_sets():
    target = torch.tensor([[0, 7, 5, 7, 2], [0, 2, 1, 1, 1], [0, 4, 4, 2, 1]])
    labels, columns = label_sets(target, 1)
    assert labels.tolist() == [[0, 7, 5, 2], [0, 2, -1, -1], [0, 4, 2, -1]]
    assert columns.tolist() == [[0, 1, 2, 1, 3], [0, 1, 0, 0, 0], [0, 1, 1, 2, 0]]


def test_label_sets_with_a_blank():
    """The blank has the first column, also where a target holds it as a word."""
    labels, columns = label_sets(torch.tensor([[0, 3, 5, 2], [0, 6, 2, 1]]), 1, extra=(3,))
    assert labels.tolist() == [[3, 0, 5, 2], [3, 0, 6, 2]]
    assert columns.tolist() == [[1, 0, 2, 3], [1, 2, 3, 0]]


def test_labels_without_a_column_are_refused():
    hidden, vocabulary, sentence, labels = draw(9, 31, 5, [4])
    with pytest.raises(ValueError, match="at least one column"):
        label_scores(hidden, vocabulary, sentence, labels[:, :0])


@pytest.mark.slow
def test_torch_compile_sees_through_it():
    hidden, vocabulary, sentence, labels = draw(9, 31, 5, [4], torch.float32)

    def step(hidden, vocabulary):
        scores, mean, *_ = label_scores(hidden, vocabulary, sentence, labels)
        return scores.square().sum() + mean.sum()

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    leaves = (hidden, vocabulary)
    for ours, theirs in zip(
        torch.autograd.grad(compiled(*leaves), leaves), torch.autograd.grad(step(*leaves), leaves), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.slow
def test_operator_registration():
    torch.library.opcheck(
        torch.ops.janus.label_scores.default,
        (*draw(9, 31, 5, [4], torch.float32), torch.float32),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )
