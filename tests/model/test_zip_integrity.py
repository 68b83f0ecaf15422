"""A flipped byte is noticed or changes nothing that is loaded; only the beginning of an archive is cut short."""

import io
import pickle
import random
import zipfile
from argparse import Namespace

import pytest
import torch

from janus.errors import InputError
from janus.methods.base.loading import load_model
from janus.model.averaging import average_checkpoints
from janus.model.checkpoints import read_checkpoint
from janus.model.zip_integrity import is_cut_short, verify_checksums


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    weights = {f"w{i}": torch.randn(5, 7) for i in range(4)}
    torch.save({"model": weights, "args": Namespace(arch="x")}, path)
    return path


def flip(path, position, bit=0x10):
    content = bytearray(path.read_bytes())
    content[position] ^= bit
    path.write_bytes(content)


@pytest.mark.slow
def test_every_flip_that_would_load_as_something_else_is_noticed(checkpoint):
    whole = checkpoint.read_bytes()
    expected = read_checkpoint(checkpoint)
    noticed = 0
    for position in range(0, len(whole), 3):
        flip(checkpoint, position)
        try:
            loaded = read_checkpoint(checkpoint)
        except InputError:
            noticed += 1
        else:
            assert loaded["args"] == expected["args"], position
            assert all(torch.equal(loaded["model"][k], v) for k, v in expected["model"].items()), position
        checkpoint.write_bytes(whole)
    assert noticed > len(whole) / 6


def test_twenty_flips_in_a_trained_checkpoint(trained, tmp_path):
    """In the data of its tensors, where torch.load itself notices none."""
    whole = (trained / "checkpoint_last.pt").read_bytes()
    copy = tmp_path / "checkpoint_last.pt"
    draw = random.Random(1)
    with io.BytesIO(whole) as stream:
        records = [r for r in zipfile.ZipFile(stream).infolist() if "/data/" in r.filename and r.file_size >= 512]
    for record in draw.sample(records, 20):
        copy.write_bytes(whole)
        # Behind the record's header and padding, which are shorter than 256 bytes.
        flip(copy, record.header_offset + 256 + draw.randrange(record.file_size - 256))
        torch.load(copy, weights_only=False)
        with pytest.raises(InputError, match="damaged"):
            verify_checksums(copy)
        with pytest.raises(InputError, match="damaged"):
            load_model(copy)
        with pytest.raises(InputError, match="damaged"):
            average_checkpoints([copy, trained / "checkpoint_last.pt"], tmp_path / "averaged.pt")
        assert not (tmp_path / "averaged.pt").exists()


@pytest.mark.parametrize("kept", [0, 3, 4, 100, 0.5, -1])
def test_the_beginning_of_an_archive_is_cut_short(checkpoint, kept):
    whole = checkpoint.read_bytes()
    assert not is_cut_short(checkpoint)
    checkpoint.write_bytes(whole[: int(len(whole) * kept) if isinstance(kept, float) else kept])
    # Without its last byte the end of the directory is still there: damaged, but not proved to be cut short.
    assert is_cut_short(checkpoint) == (kept != -1)
    with pytest.raises(InputError):
        read_checkpoint(checkpoint)


def test_a_file_of_another_kind_is_not_judged(tmp_path):
    """fairseq's checkpoints from before torch 1.6 are bare pickles, which hold no checksum."""
    old = tmp_path / "old.pt"
    torch.save({"model": {"w": torch.ones(3)}}, old, _use_new_zipfile_serialization=False)
    verify_checksums(old)
    assert not is_cut_short(old)
    old.write_bytes(old.read_bytes()[:50])
    assert not is_cut_short(old)
    other = tmp_path / "text.pt"
    other.write_bytes(pickle.dumps("x"))
    assert not is_cut_short(other)
