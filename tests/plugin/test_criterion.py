"""How batches add up to an update: sums count each batch by its target tokens, means count batches alike."""

import pytest
import torch
from fairseq.tasks.fairseq_task import FairseqTask

import janus.plugin.criterion as criterion
from janus.model.transformer import StreamStates
from janus.plugin.criterion import JanusLoss, JanusLossConfig


def states(tokens: int, masked: int, seed: int) -> StreamStates:
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randn(count, 7, generator=generator) for count in (tokens, masked, masked)]
    labels = torch.randint(0, 7, (tokens,), generator=generator)
    return StreamStates(
        *rows,
        corrected=rows[0][:0],
        vocabulary=torch.eye(7),
        length=torch.randn(1, 5, generator=generator),
        ar_labels=labels,
        masked_labels=labels[:masked],
        corrected_labels=labels[:0],
        ar_masked=torch.arange(masked),
    )


@pytest.fixture
def run(monkeypatch):
    """A function that gives the losses, the sample sizes and the logs of two batches of 8 and 3 target tokens."""
    monkeypatch.setattr(criterion, "as_source", lambda packed: packed)
    monkeypatch.setattr(criterion, "as_streams", lambda packed: packed)

    def run(**options):
        loss = JanusLoss(JanusLossConfig(**options), FairseqTask(None))
        batches = [states(8, 4, 1), states(3, 1, 2)]
        return batches, [
            loss(lambda source, streams: streams, {
                "packed": {"source": None, "streams": batch, "lengths": torch.tensor([batch.ar_labels.numel() + 1])},
                "ntokens": 9, "nsentences": 1,
            })
            for batch in batches
        ]  # fmt: skip

    return run


def test_sums_of_batches_are_the_sum_over_all_their_tokens(run):
    batches, outputs = run(length_weight=0.0, kl_ar_aux_weight=0.0, kl_nar_aux_weight=0.0, label_smoothing=0.0)
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
    _, outputs = run(reduction="mean")
    assert [size for _, size, _ in outputs] == [1, 1]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_what_is_logged_is_an_average_by_sample_size(run, reduction):
    from fairseq import metrics

    _, outputs = run(reduction=reduction)
    with metrics.aggregate() as logged:
        JanusLoss.reduce_metrics([log for _, _, log in outputs])
    sizes = [size for _, size, _ in outputs]
    expected = sum(float(total) for total, _, _ in outputs) / sum(sizes)
    assert logged.get_smoothed_value("loss") == pytest.approx(expected, abs=1e-4)
