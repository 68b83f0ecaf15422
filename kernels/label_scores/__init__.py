"""The log-probabilities of each sentence's own labels at its rows, without materialising all logits.

CTC and DA-Transformer read, at every row of a sentence, the probabilities of a few dozen words: those of its target.
Logits are computed in chunks of rows; a chunk is reduced to the scores and dropped, and computed again in the backward
pass. The rest column makes each row of scores a distribution, whose logarithms sum to one as torch's CTC needs them.
Axes: R rows, D model, V vocabulary, B sentences, K labels of a sentence; C rows of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from kernels.backend import product_type

# Bytes of float32 logits per chunk: few on a CPU, where they must fit into the cache; on a GPU, enough for matrix
# products to run at full speed.
_CHUNK = {"cpu": 16 << 20, "cuda": 256 << 20}


class LabelScores(NamedTuple):
    """scores: [R, K + 1] log-probabilities of the labels of a row's sentence, then log(1 - their sum), the rest.

    Columns without a label hold minus infinity, and their gradients are ignored. mean: [R] mean log-probability of all
    V words, for label smoothing. word, best: [R] the most probable word of all and its log-probability, without
    gradient.
    """

    scores: Tensor
    mean: Tensor
    word: Tensor
    best: Tensor


def label_sets(target: Tensor, pad: int, *, extra: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
    """The distinct words of each target, as `label_scores` reads them, and the column of each target word among them.

    target: [B, T] with `pad` where a sentence has no word. extra: words that are labels of every sentence, such as the
    blank of CTC; they get the first columns. Returns labels [B, K], -1 beyond the labels of a sentence, and
    columns [B, T], 0 at padding.
    """
    always = target.new_tensor(extra).expand(target.size(0), len(extra))
    words = torch.cat([always, target], 1)
    # equal: [B, L, L] whether two words are the same; first: [B, L] where a word stands for the first time
    equal = words[:, :, None] == words[:, None]
    first = equal.int().argmax(2)
    new = (first == torch.arange(words.size(1), device=target.device)) & (words != pad)
    column = new.cumsum(1) - 1
    labels = words.new_full((words.size(0), int(new.sum(1).max()) if new.numel() else 0), -1)
    sentence, place = new.nonzero(as_tuple=True)
    labels[sentence, column[sentence, place]] = words[sentence, place]
    columns = column.gather(1, first).masked_fill(words == pad, 0)
    return labels, columns[:, len(extra) :]


def label_scores(hidden: Tensor, vocabulary: Tensor, sentence: Tensor, labels: Tensor) -> LabelScores:
    """The scores of the labels of its own sentence at each row, in the order of `labels`.

    hidden: [R, D]. vocabulary: [V, D], the output embedding. sentence: [R], in any order. labels: [B, K], the labels of
    each sentence, no word twice in a row, -1 where a sentence has fewer (`label_sets` makes them).

    Differentiable in hidden and vocabulary. Matrix products run in the dtype of autocast if it is enabled, everything
    else in float32, or in float64 if the inputs are. Raises ValueError for labels without a column.
    """
    if not labels.size(1):
        raise ValueError("labels need at least one column")
    scores, mean, best, word, _ = _label_scores(hidden, vocabulary, sentence, labels, product_type(hidden))
    return LabelScores(scores, mean, word, best.detach())


@torch.library.custom_op("janus::label_scores", mutates_args=())
def _label_scores(
    hidden: Tensor, vocabulary: Tensor, sentence: Tensor, labels: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """scores [R, K + 1], mean, best, word [R]; and rest [R], the logsumexp of the logits of all other words."""
    rows, size = hidden.size(0), labels.size(1)
    acc_dtype = torch.promote_types(hidden.dtype, torch.float32)
    # x: [R, D] and w: [V, D] are the operands of the matrix products.
    x, w = hidden.to(dtype), vocabulary.to(dtype)
    scores = x.new_empty(rows, size + 1, dtype=acc_dtype)
    mean, best, rest = (x.new_empty(rows, dtype=acc_dtype) for _ in range(3))
    word = torch.empty_like(sentence)
    with torch.autocast(hidden.device.type, enabled=False):
        for chunk in _chunks(x, w):
            # logits: [C, V]; own, place: [C, K]; lse: [C, 1]
            logits = (x[chunk] @ w.T).to(acc_dtype)
            own, filled, place = _own(sentence[chunk], labels)
            torch.max(logits, 1, out=(best[chunk], word[chunk]))
            torch.mean(logits, 1, out=mean[chunk])
            label_logits = logits.gather(1, place).masked_fill(~filled, -torch.inf)
            _overwrite(logits, own, place, torch.full_like(label_logits, -torch.inf))
            torch.logsumexp(logits, 1, out=rest[chunk])
            columns = torch.cat([label_logits, rest[chunk, None]], 1)
            lse = columns.logsumexp(1, keepdim=True)
            scores[chunk] = columns - lse
            for one in (mean, best):
                one[chunk] -= lse[:, 0]
    return scores, mean, best, word, rest


@torch.library.custom_op("janus::label_scores_backward", mutates_args=())
def _label_scores_backward(
    hidden: Tensor,
    vocabulary: Tensor,
    sentence: Tensor,
    labels: Tensor,
    dtype: torch.dtype,
    scores: Tensor,
    rest: Tensor,
    d_scores: Tensor,
    d_mean: Tensor,
) -> tuple[Tensor, Tensor]:
    """d_hidden [R, D] and d_vocabulary [V, D].

    With g the gradients of a row's scores, G their sum and that of its mean, and p the probabilities, the gradient of
    the logits is g - G p at a label, and elsewhere p / (sum of p outside) g_rest - G p; everywhere plus d_mean / V.
    """
    acc_dtype = torch.promote_types(hidden.dtype, torch.float32)
    x, w = hidden.to(dtype), vocabulary.to(dtype)
    d_hidden = x.new_empty(x.shape)
    d_vocabulary = w.new_zeros(w.shape, dtype=acc_dtype)
    g = d_scores.masked_fill(torch.nn.functional.pad(labels[sentence] < 0, (0, 1)), 0)
    # The gradient of one row among thousands would underflow in float16, so gradients are scaled to at most one.
    largest = torch.cat([g.flatten(), d_mean]).abs().amax() if g.numel() else g.new_ones(())
    scale = torch.where(largest > 0, largest, 1)
    g, uniform = g / scale, (d_mean / scale / w.size(0))[:, None]
    total = g.sum(1, keepdim=True) + d_mean[:, None] / scale
    with torch.autocast(hidden.device.type, enabled=False):
        for chunk in _chunks(x, w):
            # d_logits: [C, V], first the logits; probs: [C, K + 1]
            d_logits = (x[chunk] @ w.T).to(acc_dtype)
            own, _, place = _own(sentence[chunk], labels)
            probs = scores[chunk].exp()
            outside = g[chunk, -1:] - total[chunk] * probs[:, -1:]
            d_logits.sub_(rest[chunk, None]).exp_().mul_(outside).add_(uniform[chunk])
            _overwrite(d_logits, own, place, g[chunk, :-1] - total[chunk] * probs[:, :-1] + uniform[chunk])
            d_rows = d_logits.to(dtype)
            torch.matmul(d_rows, w, out=d_hidden[chunk])
            _accumulate(d_vocabulary, d_rows, x[chunk])
    return (d_hidden * scale).to(hidden.dtype), (d_vocabulary * scale).to(vocabulary.dtype)


def _own(sentence: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For rows of `sentence` [C]: labels [C, K], which of them there are, and where to read: the label or the first."""
    own = labels[sentence]
    filled = own >= 0
    return own, filled, torch.where(filled, own, own[:, :1].clamp(min=0))


def _overwrite(logits: Tensor, own: Tensor, place: Tensor, values: Tensor) -> None:
    """Put values [C, K] at the labels of each row of [C, V]; a column without a label repeats the first one's.

    Rows without any label stay as they are.
    """
    filled = own >= 0
    first = torch.where(filled[:, :1], values[:, :1], logits.gather(1, place[:, :1]))
    logits.scatter_(1, place, torch.where(filled, values, first))


def _chunks(x: Tensor, w: Tensor) -> Iterator[slice]:
    step = max(1, _CHUNK[x.device.type] // (4 * max(w.size(0), 1)))
    for start in range(0, x.size(0), step):
        yield slice(start, min(start + step, x.size(0)))


def _accumulate(d_vocabulary: Tensor, d_logits: Tensor, x: Tensor) -> None:
    """d_vocabulary [V, D] += d_logits^T x, for d_logits [C, V] and x [C, D] in a possibly narrower dtype."""
    if d_vocabulary.dtype == x.dtype:
        d_vocabulary.addmm_(d_logits.T, x)
    else:
        d_vocabulary.add_(d_logits.T @ x)


@_label_scores.register_fake
def _(hidden, vocabulary, sentence, labels, dtype):
    acc_dtype = torch.promote_types(hidden.dtype, torch.float32)
    rows = hidden.size(0)
    mean, best, rest = (hidden.new_empty(rows, dtype=acc_dtype) for _ in range(3))
    return (
        hidden.new_empty(rows, labels.size(1) + 1, dtype=acc_dtype),
        mean,
        best,
        torch.empty_like(sentence),
        rest,
    )


@_label_scores_backward.register_fake
def _(hidden, vocabulary, sentence, labels, dtype, scores, rest, d_scores, d_mean):
    return torch.empty_like(hidden), torch.empty_like(vocabulary)


def _setup_context(ctx, inputs, output) -> None:
    hidden, vocabulary, sentence, labels, ctx.dtype = inputs
    scores, mean, best, word, rest = output
    ctx.save_for_backward(hidden, vocabulary, sentence, labels, scores, rest)
    ctx.mark_non_differentiable(best, word, rest)
    ctx.set_materialize_grads(False)


def _backward(ctx, d_scores, d_mean, *_):
    hidden, vocabulary, sentence, labels, scores, rest = ctx.saved_tensors
    if d_scores is None and d_mean is None:
        return (None,) * 5
    d_scores = torch.zeros_like(scores) if d_scores is None else d_scores
    d_mean = torch.zeros_like(rest) if d_mean is None else d_mean
    grads = _label_scores_backward(hidden, vocabulary, sentence, labels, ctx.dtype, scores, rest, d_scores, d_mean)
    return *grads, None, None, None


_label_scores.register_autograd(_backward, setup_context=_setup_context)
