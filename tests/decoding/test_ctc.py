"""What a string of CTC says, and that the decoder reads it from every cell."""

import pytest
import torch
from golden_zoo import golden_shape

from janus.decoding.ctc import said
from janus.decoding.decoding import Decoding
from janus.errors import InputError
from janus.methods.base.registry import make_method
from janus.model.ragged import Source
from janus.model.streams import pack_cells
from kernels.ctc.reference import collapsed

BLANK = 3


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_merged_and_blanks_dropped(seed):
    """In each sentence by itself: the last word of one may begin the next."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [7, 1, 12, 4]
    words = torch.randint(BLANK, 6, (sum(sizes),), generator=generator)
    sentence = torch.arange(4).repeat_interleave(torch.tensor(sizes))
    kept = said(words, sentence, BLANK)
    for part, keep in zip(words.split(sizes), kept.split(sizes)):
        assert tuple(part[keep].tolist()) == collapsed(part.tolist(), BLANK)


def test_the_last_cell_is_read_like_the_others():
    """Unlike in GLAT's code, where the last blank of a batch is kept."""
    words = torch.tensor([4, 4, BLANK, 4, 5, BLANK, BLANK])
    assert words[said(words, torch.zeros(7, dtype=torch.long), BLANK)].tolist() == [4, 4, 5]


@pytest.fixture
def model():
    method = make_method("ctc", {"factor": 2})
    made = method.network(method.configure(golden_shape(9))).eval()
    torch.manual_seed(1)
    made.initialise()
    return made


def test_outputs_are_read_from_the_best_word_of_each_cell(model):
    source = Source.of(torch.tensor([[0, 5, 6, 2], [0, 8, 2, 1]]), 1)
    outputs = Decoding.of(manner="nar", method="ctc").decode(model, source)
    memory, _ = model.encode(source)
    for [hypothesis], scores in zip(outputs, _log_probs(model, source, memory), strict=True):
        scores[:, 1] = -torch.inf
        best, words = scores.max(1)
        assert tuple(hypothesis.tokens.tolist()) == collapsed(words.tolist(), BLANK)
        assert hypothesis.token_scores.numel() == hypothesis.tokens.numel()
        assert hypothesis.score == pytest.approx(float(best.mean()), abs=1e-5)


@torch.no_grad()
def _log_probs(model, source, memory) -> list[torch.Tensor]:
    """[P, V] of each sentence, on a canvas of twice its length."""
    canvas = torch.tensor([[0, 3, 3, 3, 3, 3, 3, 2], [0, 3, 3, 3, 3, 2, 1, 1]])
    rows = pack_cells(canvas, torch.arange(2), pad=1, mask=3, read={"all": (canvas.ne(1), canvas)})
    return list(model.project(model.decoder(rows, memory, rows.read["all"].rows)).log_softmax(1).split([8, 6]))


def test_a_blank_canvas_says_nothing(model):
    """An output without a word is an output."""
    weight = model.decoder.output_projection.weight.data
    weight.zero_()
    weight[BLANK] = model.decoder.layers[-1].final_layer_norm.bias.data.fill_(1.0)
    [[hypothesis]] = Decoding.of(manner="nar", method="ctc").decode(model, Source.of(torch.tensor([[0, 5, 2]]), 1))
    assert hypothesis.tokens.numel() == 0


def test_other_passes_are_refused():
    with pytest.raises(InputError, match="ctc cannot decode in 2 passes"):
        Decoding.of(manner="nar", method="ctc", passes=2)
