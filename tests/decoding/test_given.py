"""A given checkpoint is taken if this suite can decode it and its dictionary is that of the corpus."""

import pytest
import torch
from fairseq_models import SIZES, build

from janus.decoding.given import take_checkpoint
from janus.errors import InputError
from janus.files import read_json, sha256
from janus.model.checkpoints import read_checkpoint

OPTIONS = {**SIZES, "arch": "transformer", "activation_fn": "relu", "attention_dropout": 0.0}


@pytest.fixture
def files(tmp_path):
    """fairseq's Transformer as fairseq-train leaves it, with an optimiser's state, and the dictionary of the corpus."""
    model, words = build("transformer")
    state = {"cfg": {"model": OPTIONS}, "model": model.state_dict(), "last_optimizer_state": {"big": torch.ones(9)}}
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").mkdir()
    torch.save(state, tmp_path / "theirs/model.pt")
    words.save(str(tmp_path / "ours/dict.de.txt"))
    places = {"output": tmp_path / "run/averaged.pt", "record": tmp_path / "run/averaged.json"}
    return {"given": tmp_path / "theirs/model.pt", "dictionary": tmp_path / "ours/dict.de.txt", **places}, model


def test_the_weights_are_taken_and_what_is_known_is_recorded(files):
    places, model = files
    take_checkpoint(**places)
    taken = read_checkpoint(places["output"])
    assert taken["last_optimizer_state"] is None
    assert all(torch.equal(taken["model"][name], weights) for name, weights in model.state_dict().items())
    record = read_json(places["record"])
    assert record["given"] == {"kind": "checkpoint", "file": "model.pt", "sha256": sha256(places["given"])}
    assert record["dictionary"]["compared"] == "their number"
    assert record["parameters"] == sum(weights.numel() for weights in model.parameters())
    assert record["sha256"] == sha256(places["output"])


@pytest.mark.parametrize("named", [True, False])
def test_a_dictionary_that_is_named_or_lies_beside_it_is_compared_symbol_by_symbol(files, tmp_path, named):
    places, _ = files
    lines = places["dictionary"].read_text().splitlines(keepends=True)
    own = tmp_path / ("dict.txt" if named else "theirs/dict.de.txt")
    own.write_text("".join(lines))
    take_checkpoint(**places, own=own if named else None)
    assert read_json(places["record"])["dictionary"]["compared"] == "symbols"
    own.write_text("".join([*lines[:3], lines[4], lines[3], *lines[5:]]))
    with pytest.raises(InputError, match=r"another than the corpus's, .*: at 7 it has 'w4', that 'w3'"):
        take_checkpoint(**places, own=own if named else None)


def test_a_dictionary_of_another_size_and_a_file_that_is_no_checkpoint_are_refused(files):
    places, _ = files
    with places["dictionary"].open("a") as stream:
        stream.write("more 1\n")
    with pytest.raises(InputError, match=r"theirs/model\.pt: the model has 34 source and 34 target symbols"):
        take_checkpoint(**places)
    assert not places["output"].exists() and not places["record"].exists()
    places["given"].write_text("a text")
    with pytest.raises(InputError, match=r"theirs/model\.pt"):
        take_checkpoint(**places)
