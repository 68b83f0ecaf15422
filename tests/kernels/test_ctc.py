"""CTC on small alphabets against enumeration and against torch's own on the whole vocabulary; its laws."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from kernels.ctc import best_alignment, ctc_loss
from kernels.ctc.reference import best_string_reference, collapsed, ctc_loss_reference
from kernels.label_scores import label_scores, label_sets

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "ctc.npz")
# Cells and targets of words 1 to 3, blank 0; with repeats, an empty target, one that only just fits, and one too long.
CELLS = [5, 4, 1, 4, 3, 2]
TARGETS = [[1, 1, 2], [3, 2], [2], [], [1, 1], [2, 2]]
FITS = torch.tensor([True] * 5 + [False])


def draw(cells: list[int], columns: int = 4, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Distributions [R, C] in float64, and the sentence of each."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(sum(cells), columns, generator=generator, dtype=torch.float64)
    return logits.log_softmax(1), torch.arange(len(cells)).repeat_interleave(torch.tensor(cells))


def padded(targets: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([len(target) for target in targets])
    columns = torch.zeros(len(targets), max(int(lengths.max()), 1), dtype=torch.long)
    for row, target in zip(columns, targets):
        row[: len(target)] = torch.tensor(target)
    return columns, lengths


def string_of(states: torch.Tensor, target: list[int]) -> tuple[int, ...]:
    return tuple(target[state // 2] if state % 2 else 0 for state in states.tolist())


def test_the_enumerated_example_of_the_golden_file():
    log_probs, label = torch.from_numpy(GOLDEN["brute_log_probs"]), GOLDEN["brute_label"].tolist()
    (nll,) = ctc_loss(log_probs, torch.zeros(5, dtype=torch.long), *padded([label]))
    assert float(nll) == pytest.approx(float(GOLDEN["brute_nll"]), rel=1e-6)
    assert float(ctc_loss_reference(log_probs, label)) == pytest.approx(float(GOLDEN["brute_nll"]), rel=1e-6)


def test_the_loss_equals_enumeration():
    scores, sentence = draw(CELLS)
    expected = [ctc_loss_reference(part, target) for part, target in zip(scores.split(CELLS), TARGETS)]
    loss = ctc_loss(scores, sentence, *padded(TARGETS))
    assert expected[-1] == torch.inf
    torch.testing.assert_close(loss, torch.stack([*expected[:-1], torch.zeros(()).double()]))


def test_the_best_alignment_equals_enumeration():
    scores, sentence = draw(CELLS)
    states = best_alignment(scores, sentence, *padded(TARGETS))
    for part, path, target, fits in zip(scores.split(CELLS), states.split(CELLS), TARGETS, FITS):
        if fits:
            assert string_of(path, target) == best_string_reference(part, target)
        else:
            assert path.eq(-1).all()


@pytest.mark.parametrize("seed", range(20))
def test_best_alignments_of_random_targets(seed):
    generator = torch.Generator().manual_seed(seed)
    cells = torch.randint(3, 6, (3,), generator=generator).tolist()
    targets = [torch.randint(1, 4, (n // 2,), generator=generator).tolist() for n in cells]
    scores, sentence = draw(cells, seed=seed)
    states = best_alignment(scores, sentence, *padded(targets))
    for part, path, target in zip(scores.split(cells), states.split(cells), targets):
        assert string_of(path, target) == best_string_reference(part, target)
        steps = path.diff()
        assert (steps >= 0).all() and (steps <= 2).all() and path[0] <= 1 and path[-1] >= 2 * len(target) - 1


@pytest.mark.parametrize(
    ("cells", "target", "expected"),
    [(4, [1, 2], [1, 3, 3, 3]), (3, [1, 1], [1, 2, 3]), (3, [1], [1, 1, 1]), (2, [], [0, 0])],
)
def test_of_equal_alternatives_a_cell_stays_and_the_end_is_a_word(cells, target, expected):
    """All strings are equally probable."""
    scores = torch.full((cells, 4), 0.25).log()
    states = best_alignment(scores, torch.zeros(cells, dtype=torch.long), *padded([target]))
    assert states.tolist() == expected == _by_hand(scores, target)


def _by_hand(scores: torch.Tensor, target: list[int]) -> list[int]:
    """The rule in plain loops."""
    word = [target[s // 2] if s % 2 else 0 for s in range(2 * len(target) + 1)]
    alpha, steps = [0.0 if s < 2 else -np.inf for s in range(len(word))], []
    for cell, row in enumerate(scores.tolist()):
        new, step = [], []
        for s, now in enumerate(alpha):
            best, from_ = now, 0
            if cell and s >= 1 and alpha[s - 1] > best:
                best, from_ = alpha[s - 1], 1
            if cell and s >= 3 and s % 2 and word[s] != word[s - 2] and alpha[s - 2] > best:
                best, from_ = alpha[s - 2], 2
            new.append(best + row[word[s]])
            step.append(from_)
        alpha, steps = new, [*steps, step]
    state = len(word) - 1 if len(word) == 1 or alpha[-1] > alpha[-2] else len(word) - 2
    path = []
    for step in reversed(steps):
        path.append(state)
        state -= step[state]
    return path[::-1]


def full_and_small(smallest: bool) -> list[torch.Tensor]:
    """Loss [B] and gradients of hidden rows and vocabulary, by the operators or by torch on the whole vocabulary."""
    generator = torch.Generator().manual_seed(3)
    cells, target = [9, 4, 7, 3], torch.tensor([[5, 6, 5, 5], [8, 2, 1, 1], [9, 4, 9, 1], [7, 7, 1, 1]])
    hidden = torch.randn(sum(cells), 8, generator=generator, dtype=torch.float64, requires_grad=True)
    vocabulary = torch.randn(31, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    sentence, lengths = torch.arange(4).repeat_interleave(torch.tensor(cells)), target.ne(1).sum(1)
    if smallest:
        labels, columns = label_sets(target, 1, extra=(3,))
        scores = label_scores(hidden, vocabulary, sentence, labels).scores
        loss = ctc_loss(scores, sentence, columns, lengths)
    else:
        grid = torch.nn.utils.rnn.pad_sequence((hidden @ vocabulary.T).log_softmax(1).split(cells))
        loss = F.ctc_loss(grid, target, torch.tensor(cells), lengths, 3, reduction="none")
    weights = torch.tensor([0.3, 1.0, -2.0, 0.7], dtype=torch.float64)
    return [loss, *torch.autograd.grad((weights * loss).sum(), (hidden, vocabulary))]


def test_value_and_gradients_equal_those_of_the_whole_vocabulary():
    for ours, theirs in zip(full_and_small(True), full_and_small(False), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_without_the_rest_column_torch_has_another_gradient():
    """Why the rest column is there: the value stays, the gradient does not."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(5, 9, generator=generator, dtype=torch.float64, requires_grad=True)
    sentence, targets = torch.zeros(5, dtype=torch.long), padded([[1, 2]])
    whole, part = (ctc_loss(logits.log_softmax(1)[:, :columns], sentence, *targets).sum() for columns in (9, 3))
    torch.testing.assert_close(whole, part)
    one, other = (torch.autograd.grad(loss, logits)[0] for loss in (whole, part))
    assert float((one - other).abs().max()) > 0.05


def test_the_gradient_against_finite_differences():
    """Through a softmax, as all distributions here are made."""
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(9, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    sentence, targets = torch.tensor([0] * 5 + [1] * 4), padded([[1, 1, 2], [3]])
    assert torch.autograd.gradcheck(lambda x: ctc_loss(x.log_softmax(1), sentence, *targets), logits)


def test_a_target_that_does_not_fit_has_no_gradient():
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 4, generator=generator, requires_grad=True)
    loss = ctc_loss(logits.log_softmax(1), torch.tensor([0, 0, 0, 1, 1]), *padded([[1], [2, 2]]))
    assert loss[1] == 0 and loss[0] > 0
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert gradient[3:].eq(0).all() and gradient[:3].ne(0).any()


def test_columns_of_other_sentences_do_no_harm():
    """A column that a sentence lacks holds minus infinity, and neither loss nor gradient is NaN."""
    scores = torch.tensor([[0.5, 0.25, 0.25, 0.0]] * 3).log().requires_grad_()
    loss = ctc_loss(scores, torch.zeros(3, dtype=torch.long), *padded([[1]]))
    (gradient,) = torch.autograd.grad(loss.sum(), scores)
    assert gradient.isfinite().all() and gradient[:, 3].eq(0).all()


def test_the_probabilities_of_all_targets_sum_to_one():
    scores, _ = draw([4])
    targets = sorted({collapsed(string) for string in product(range(4), repeat=4)})
    assert max(map(len, targets)) == 4 and () in targets
    columns, lengths = padded([list(target) for target in targets])
    many = scores.repeat(len(targets), 1)
    losses = ctc_loss(many, torch.arange(len(targets)).repeat_interleave(4), columns, lengths)
    torch.testing.assert_close((-losses).exp().sum(), torch.ones(()).double())


def test_time_reversal():
    """Cells and words in reverse have the same loss."""
    scores, sentence = draw(CELLS[:4])
    backwards = torch.cat([part.flip(0) for part in scores.split(CELLS[:4])])
    targets = [target[::-1] for target in TARGETS[:4]]
    torch.testing.assert_close(
        ctc_loss(backwards, sentence, *padded(targets)), ctc_loss(scores, sentence, *padded(TARGETS[:4]))
    )


def test_a_sentence_alone_has_the_loss_of_the_batch():
    scores, sentence = draw(CELLS)
    together, states = ctc_loss(scores, sentence, *padded(TARGETS)), best_alignment(scores, sentence, *padded(TARGETS))
    for part, target, loss, path in zip(scores.split(CELLS), TARGETS, together, states.split(CELLS)):
        alone = torch.zeros(part.size(0), dtype=torch.long)
        torch.testing.assert_close(ctc_loss(part, alone, *padded([target]))[0], loss)
        assert torch.equal(best_alignment(part, alone, *padded([target])), path)
