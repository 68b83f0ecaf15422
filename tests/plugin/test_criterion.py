"""How batches add up to an update: sums count each batch by its target tokens, means count batches alike."""

import pytest
import torch
from fairseq.tasks.fairseq_task import FairseqTask
from stream_states import FlatStates

import janus.methods.joint as joint
from janus.methods.base.registry import make_method
from janus.plugin.criterion import MethodLoss, MethodLossConfig


def states(tokens: int, masked: int, seed: int) -> FlatStates:
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randn(count, 7, generator=generator) for count in (tokens, masked, masked)]
    labels = torch.randint(0, 7, (tokens,), generator=generator)
    return FlatStates(
        *rows,
        corrected=rows[0][:0],
        vocabulary=torch.eye(7),
        length=torch.randn(1, 5, generator=generator),
        ar_labels=labels,
        masked_labels=labels[:masked],
        corrected_labels=labels[:0],
        ar_masked=torch.arange(masked),
    )


PAPER = {"ar": 1, "nar": 1, "aux": 1, "kl_ar_aux": 2, "kl_nar_aux": 2, "length": 0.1}


class Model:
    """A model that returns the states it is given."""

    training = True

    def __call__(self, source, streams):
        return streams.made


@pytest.fixture
def run(monkeypatch):
    """A function that gives the losses, the sample sizes and the logs of two batches of 8 and 3 target tokens."""
    monkeypatch.setattr(joint, "source_of", lambda packed: packed)
    monkeypatch.setattr(joint, "rows_of", lambda packed: packed)

    def run(smoothing=0.1, **options):
        task = FairseqTask(None)
        task.method, task.updates = make_method("joint", options), 0
        loss = MethodLoss(MethodLossConfig(label_smoothing=smoothing), task)
        batches = [states(8, 4, 1), states(3, 1, 2)]
        return batches, [
            loss(Model(), {
                "packed": {"source": None, "streams": batch, "lengths": torch.tensor([batch.ar_labels.numel() + 1])},
                "ntokens": 9, "nsentences": 1,
            })
            for batch in batches
        ]  # fmt: skip

    return run


def test_sums_of_batches_are_the_sum_over_all_their_tokens(run):
    batches, outputs = run(0.0, losses={"ar": 1, "nar": 1, "aux": 1}, reduction="sum")
    assert [size for _, size, _ in outputs] == [8, 3]
    summed = sum(
        torch.nn.functional.cross_entropy(rows, labels, reduction="sum")
        for batch in batches
        for rows, labels in (
            (batch.ar, batch.ar_labels), (batch.nar, batch.masked_labels), (batch.aux, batch.masked_labels)
        )
    )  # fmt: skip
    torch.testing.assert_close(sum(total for total, _, _ in outputs), summed)


def test_means_weigh_every_batch_the_same(run):
    _, outputs = run(losses=PAPER, reduction="mean")
    assert [size for _, size, _ in outputs] == [1, 1]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_what_is_logged_is_an_average_by_sample_size(run, reduction):
    from fairseq import metrics

    _, outputs = run(losses=PAPER, reduction=reduction)
    with metrics.aggregate() as logged:
        MethodLoss.reduce_metrics([log for _, _, log in outputs])
    sizes = [size for _, size, _ in outputs]
    expected = sum(float(total) for total, _, _ in outputs) / sum(sizes)
    assert logged.get_smoothed_value("loss") == pytest.approx(expected, abs=1e-4)
