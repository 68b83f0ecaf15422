"""BART from both formats, against fairseq's own model and against what Hugging Face's computed.

`tiny-bart` is a random BART written by transformers 5.23.0, with the logits it gave.
"""

import json
import pickle
import shutil
import tarfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq_models import build
from safetensors.torch import load_file, save_file

from janus.errors import InputError
from janus.model.bart import load_bart, read_bart, unpack_start
from janus.model.checkpoints import load_model
from janus.ragged import Source
from janus.streams import pack_streams

TINY = Path(__file__).parent / "tiny-bart"
FACTS = np.load(TINY / "logits.npz")


def logits(core, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Teacher-forced logits of the rows of target [B, T] that are no padding."""
    # A plain Transformer reads all rows but the last, so each gets one more behind it.
    longer = torch.nn.functional.pad(target, (0, 1), value=1)
    longer[torch.arange(len(target)), target.ne(1).sum(1)] = 2
    none = torch.zeros_like(longer, dtype=torch.bool)
    streams = pack_streams(longer, none, pad=1, mask=3, nar=False, aux=False)
    with torch.no_grad():
        memory, _ = core.encode(Source.of(source, 1))
        return core.project(core.decoder(streams, memory, torch.arange(streams.content)))


def hugging_face() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    source, target = (torch.from_numpy(FACTS[name]) for name in ("source", "target"))
    return source, target, torch.from_numpy(FACTS["logits"])[target.ne(1)]


def test_a_hugging_face_folder_gives_its_logits():
    source, target, expected = hugging_face()
    torch.testing.assert_close(logits(load_bart(TINY), source, target), expected, rtol=1e-4, atol=1e-4)


@pytest.fixture
def archive(tmp_path) -> Path:
    """The same weights as fairseq's archive holds them: a Namespace of options, no output projection."""
    options, weights = read_bart(TINY)
    weights = {name: tensor for name, tensor in weights.items() if name != "decoder.output_projection.weight"}
    weights |= {"encoder.version": torch.tensor([3.0]), "classification_heads.mnli.dense.weight": torch.zeros(2, 2)}
    torch.save({"args": Namespace(**options), "model": weights}, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def test_both_formats_give_equal_logits(archive):
    source, target, _ = hugging_face()
    assert torch.equal(logits(load_bart(archive), source, target), logits(load_bart(TINY), source, target))


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
def test_fairseqs_own_bart_gives_the_same_logits(archive):
    options, weights = read_bart(archive)
    theirs, _ = build("bart_base", size=36, **{name: x for name, x in options.items() if name != "arch"})
    # Past fairseq's own loading, which wants to know the task.
    torch.nn.Module.load_state_dict(theirs, weights, strict=False)
    source, target, expected = hugging_face()
    with torch.no_grad():
        scores = theirs(source, source.ne(1).sum(1), target)[0][target.ne(1)]
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4)


def with_spare_rows(weights: dict[str, torch.Tensor], number: int) -> dict[str, torch.Tensor]:
    """Rows between the last word and the mask that no dictionary names, as fairseq's archive has them."""
    spare = torch.full((number, 16), 7.0)
    return {
        name: torch.cat([tensor[:-1], spare, tensor[-1:]]) if name.endswith("embed_tokens.weight") else tensor
        for name, tensor in weights.items()
    }


def packed(tmp_path: Path, name: str, file: Path) -> Path:
    """A fairseq archive that holds `file` as `name`."""
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as tar:
        tar.add(file, name)
    return tmp_path / "archive.tar.gz"


def test_an_archive_and_a_folder_unpack_to_the_same_start(archive, tmp_path):
    state = torch.load(archive, weights_only=False)
    torch.save({**state, "model": with_spare_rows(state["model"], 5)}, archive)
    ours, theirs = tmp_path / "ours.pt", tmp_path / "theirs.pt"
    unpack_start([packed(tmp_path, "bart.base/model.pt", archive)], ours, member="bart.base/model.pt", words=40)
    unpack_start([TINY / "config.json", TINY / "model.safetensors"], theirs, member="", words=40)
    source, target, expected = hugging_face()
    for path in (ours, theirs):
        torch.testing.assert_close(logits(load_model(path), source, target), expected, rtol=1e-4, atol=1e-4)
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".work")} == set()


def test_a_start_of_more_words_than_the_archive_has_is_refused(archive, tmp_path):
    with pytest.raises(InputError, match="it knows 40 words, the dictionary has 41"):
        unpack_start([packed(tmp_path, "m.pt", archive)], tmp_path / "start.pt", member="m.pt", words=41)
    assert not (tmp_path / "start.pt").exists()


class Harmful:
    """What a pickle can do."""

    def __reduce__(self):
        return (print, ("executed",))


def test_a_start_that_would_execute_code_is_refused(tmp_path, capsys):
    (tmp_path / "m.pt").write_bytes(pickle.dumps({"model": Harmful()}, protocol=2))
    with pytest.raises(InputError, match="not a readable checkpoint"):
        unpack_start([packed(tmp_path, "m.pt", tmp_path / "m.pt")], tmp_path / "start.pt", member="m.pt", words=3)
    assert "executed" not in capsys.readouterr().out
    assert not (tmp_path / "start.pt").exists()


def copy_with(tmp_path: Path, **changed) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(TINY, folder)
    config = json.loads((folder / "config.json").read_text()) | changed
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_another_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="a model of type t5"):
        load_bart(copy_with(tmp_path, model_type="t5"))


def test_other_sizes_are_refused(tmp_path):
    with pytest.raises(InputError, match="weights do not fit the options"):
        load_bart(copy_with(tmp_path, encoder_layers=3))


def test_a_broken_file_is_refused(tmp_path):
    folder = copy_with(tmp_path)
    (folder / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(InputError, match="no readable model"):
        load_bart(folder)


def test_a_bias_of_the_logits_is_refused(tmp_path):
    folder = copy_with(tmp_path)
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "final_logits_bias": torch.ones(1, 40)}, folder / "model.safetensors")
    with pytest.raises(InputError, match="logits have a bias"):
        load_bart(folder)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no readable model"):
        load_bart(tmp_path)
