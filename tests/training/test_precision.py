"""`precision: auto` is settled where a training starts: by the card, and by what the training was begun in."""

import json

import pytest
import torch

from janus.config.systems import AUTO, precision_options
from janus.devices import precisions_of
from janus.errors import InputError
from janus.records.identity import training_identity
from janus.training.precision import with_precision
from janus.training.resuming import open_run

WORDS = ["data", "--distributed-world-size", "1", AUTO, "--share-all-embeddings"]


@pytest.fixture
def card(monkeypatch):
    """A function that puts GPUs of the given compute capabilities into this machine."""

    def put(*capabilities):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: capabilities[index])

    return put


def chosen(folder, device="cuda"):
    words = with_precision(WORDS, device=device, checkpoints=folder)
    assert words[:3] == WORDS[:3] and words[-1] == WORDS[-1] and AUTO not in words
    return words[3:-1]


@pytest.mark.parametrize(
    ("capabilities", "words"),
    [
        ([(9, 0)], ["--autocast", "bfloat16"]),
        ([(8, 0)] * 4, ["--autocast", "bfloat16"]),
        ([(7, 5)], ["--fp16"]),
        ([(8, 0), (7, 0)], ["--fp16"]),
        ([(6, 1)], []),
    ],
)
def test_the_card_decides(card, tmp_path, capabilities, words):
    card(*capabilities)
    assert chosen(tmp_path) == words


def test_a_processor_trains_in_float32(tmp_path):
    assert chosen(tmp_path, "cpu") == []
    assert precisions_of("cpu") == ["float32"]


def test_a_training_goes_on_in_the_numbers_it_began_in(card, tmp_path):
    """On another card of the cluster: else its checkpoints would be set aside."""
    card((7, 0))
    folder = tmp_path / "checkpoints"
    begun = with_precision(WORDS, device="cuda", checkpoints=folder)
    open_run(folder, training_identity(begun, code="", folders=[]))
    (folder / "checkpoint_last.pt").touch()
    card((8, 0))
    again = with_precision(WORDS, device="cuda", checkpoints=folder)
    assert again == begun
    assert open_run(folder, training_identity(again, code="", folders=[]))


def test_a_card_that_cannot_go_on_is_refused(card, tmp_path):
    card((8, 0))
    begun = with_precision(WORDS, device="cuda", checkpoints=tmp_path)
    (tmp_path / "identity.json").write_text(json.dumps({"arguments": begun}), encoding="utf-8")
    card((7, 0))
    with pytest.raises(InputError, match="was begun in bfloat16, which this device does not compute in"):
        with_precision(WORDS, device="cuda", checkpoints=tmp_path)


def test_a_stated_precision_is_left_alone(tmp_path):
    words = ["data", *precision_options("fp16", "cpu")]
    assert with_precision(words, device="cuda", checkpoints=tmp_path) == words
