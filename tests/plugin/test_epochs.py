"""Too few epochs for the checkpoints that are averaged: known before the first update, from the real batches."""

import pytest
from conftest import JANUS

from janus.errors import InputError
from janus.plugin.epochs import require_epochs
from janus.training.run import train


@pytest.mark.parametrize(
    ("bounds", "whole"),
    [
        (dict(updates=30, epochs=0, interval=1, checkpoints=3), 3),
        (dict(updates=30, epochs=3, interval=1, checkpoints=3), 3),
        (dict(updates=0, epochs=9, interval=3, checkpoints=3), 9),
    ],
)
def test_a_training_that_leaves_enough_is_let_go(bounds, whole):
    require_epochs(10, **bounds)
    with pytest.raises(InputError, match=f"{whole} whole epochs of 10 updates"):
        require_epochs(10, **bounds | {"checkpoints": bounds["checkpoints"] + 1})


def test_an_epoch_cut_short_does_not_count():
    with pytest.raises(InputError, match=r"2 whole epochs of 10 .* raise `max_update` to 30 "):
        require_epochs(10, updates=29, epochs=0, interval=1, checkpoints=3)


BASELINE = ("--task", "janus_ar_baseline", "--arch", "transformer", "--criterion", "label_smoothed_cross_entropy")


# 5 or 6 batches of at most 120 tokens, 3 updates an epoch.
@pytest.mark.parametrize("method", [JANUS, BASELINE], ids=["janus", "transformer"])
def test_the_training_ends_before_its_first_update(training_options, tmp_path, method):
    words = training_options(tmp_path / "run", *method, "--update-freq", "2", "--least-checkpoints", "3")
    with pytest.raises(InputError, match=r"2 whole epochs of 3 updates and leaves 2 .*, but 3 are averaged"):
        train([*words, "--max-update", "8"], log=tmp_path / "log.jsonl")
    assert not list((tmp_path / "run").glob("*.pt"))
    assert "train_inner" not in (tmp_path / "log.jsonl").read_text()
