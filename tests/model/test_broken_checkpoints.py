"""Files that are no checkpoints, or damaged ones: each is refused in one line, and nothing in it is executed."""

import pickle
from argparse import Namespace

import pytest
import torch

from janus.errors import InputError
from janus.model.averaging import average_checkpoints
from janus.model.checkpoints import read_checkpoint


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("optimizer_history", {"num_updates": 3}, "its optimizer_history is a dict, not a list"),
        ("optimizer_history", [3], "its entry of optimizer_history is a int, not a map"),
        ("extra_state", [], "its extra_state is a list, not a map"),
    ],
)
def test_a_part_of_another_type_is_refused_before_it_is_used(tmp_path, name, value, message):
    torch.save({"model": {"w": torch.zeros(2)}, name: value}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match=message):
        average_checkpoints([tmp_path / "checkpoint.pt"], tmp_path / "average.pt")


WHAT_TORCH_STUMBLES_OVER = {
    "text": b"hello world\n",
    "a web page": b"<!DOCTYPE html><title>Sign in</title>",
    "zeros": bytes(1000),
    "a pickle of a number": pickle.dumps(3),
    "the beginning of a pickle": pickle.dumps(list(range(1000)))[:500],
    "a line of letters": b"ccos\nsystem\n",
}


@pytest.mark.parametrize("kind", WHAT_TORCH_STUMBLES_OVER)
def test_bytes_of_any_kind_are_one_line(kind, tmp_path):
    (tmp_path / "x.pt").write_bytes(WHAT_TORCH_STUMBLES_OVER[kind])
    with pytest.raises(InputError, match=r"x\.pt: not a readable checkpoint \(.*\); .*") as caught:
        read_checkpoint(tmp_path / "x.pt")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Detected pickle protocol", "ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("legacy", [False, True])
def test_flipped_bytes_of_either_format_never_end_in_another_error(legacy, tmp_path):
    state = {"model": {f"w{i}": torch.ones(3, 2) for i in range(4)}, "args": Namespace(arch="x")}
    torch.save(state, tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    whole, refused = (tmp_path / "x.pt").read_bytes(), 0
    for position in range(len(whole)):
        (tmp_path / "x.pt").write_bytes(
            whole[:position] + bytes([whole[position] ^ 1 << position % 8]) + whole[position + 1 :]
        )
        try:
            read_checkpoint(tmp_path / "x.pt")
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > len(whole) / 9


@pytest.mark.parametrize("model", [None, [1, 2], {"w": 3}, "text"])
def test_a_file_whose_model_is_none_is_refused(model, tmp_path):
    torch.save({"model": model, "args": Namespace(arch="x")}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="x.pt: contains no model; "):
        read_checkpoint(tmp_path / "x.pt")


def test_what_is_no_file_is_no_checkpoint(tmp_path):
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "dangling.pt").symlink_to(tmp_path / "nothing")
    for name in ("folder.pt", "dangling.pt"):
        with pytest.raises(InputError, match=f"{name}: is not a file; move it away"):
            read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_opened_is_one_line(error, tmp_path, monkeypatch):
    torch.save({"model": {}}, tmp_path / "x.pt")

    def refuse(*_):
        raise error

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match=f"x.pt: cannot be read .{error.strerror}.; "):
        read_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory")],
)
def test_too_little_memory_is_no_reason_to_train_again(error, tmp_path, monkeypatch):
    torch.save({"model": {}}, tmp_path / "x.pt")

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(torch, "load", refuse)
    with pytest.raises(InputError, match="not enough memory to read it.; give the job more memory") as caught:
        read_checkpoint(tmp_path / "x.pt")
    assert "train again" not in str(caught.value)
