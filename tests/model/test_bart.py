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
from janus.methods.base.loading import load_model
from janus.model.bart import load_bart, read_bart, unpack_start
from janus.model.ragged import Source
from janus.model.streams import pack_streams

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
    with pytest.raises(InputError, match="it has 40 words, the dictionary has 41"):
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


def bare(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As `BartModel` names them."""
    return {name.removeprefix("model."): tensor for name, tensor in weights.items() if name.startswith("model.")}


def tied_once(weights: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """The table of words under one name alone."""
    return {key: tensor for key, tensor in weights.items() if key != "model.shared.weight"} | {
        name: weights["model.shared.weight"]
    }


def with_all(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As old versions of the library stored them: the table under each name, a head, the version."""
    shared = weights["model.shared.weight"]
    names = ("lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight")
    head = {"classification_head.dense.weight": torch.zeros(2, 2), "model.encoder.version": torch.tensor([3.0])}
    return weights | {name: shared.clone() for name in names} | head


LAYOUTS = {
    "of BartModel": bare,
    "of the library's first years": with_all,
    "without the bias of the logits": lambda weights: {k: v for k, v in weights.items() if k != "final_logits_bias"},
    **{
        f"the table once, as {name}": lambda weights, name=name: tied_once(weights, name)
        for name in ("model.decoder.embed_tokens.weight", "model.encoder.embed_tokens.weight", "lm_head.weight")
    },
}


def write_safetensors(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt", "lm_head.weight": "model.shared.weight"})


def write_torch(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    torch.save(weights, folder / "pytorch_model.bin")


def write_shards(folder: Path, weights: dict[str, torch.Tensor], suffix: str = "safetensors") -> None:
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    names = sorted(weights)
    places = {name: f"{stem}-0000{1 + 2 * index // len(names)}-of-00002.{suffix}" for index, name in enumerate(names)}
    for file in set(places.values()):
        part = {name: weights[name] for name in names if places[name] == file}
        save_file(part, folder / file) if suffix == "safetensors" else torch.save(part, folder / file)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps(index))


WRITERS = {
    "safetensors": write_safetensors,
    "torch": write_torch,
    "shards": write_shards,
    "torch shards": lambda folder, weights: write_shards(folder, weights, "bin"),
}


def published(folder: Path, writer: str, weights: dict[str, torch.Tensor], **changed) -> Path:
    """A folder with tiny-bart's config, but for what is `changed` or, where None, left out."""
    folder.mkdir()
    config = json.loads((TINY / "config.json").read_text()) | changed
    (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    WRITERS[writer](folder, weights)
    return folder


def assert_logits(folder: Path, **tolerance) -> None:
    source, target, expected = hugging_face()
    torch.testing.assert_close(logits(load_bart(folder), source, target), expected, **tolerance)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_published_set_of_names_gives_the_same_logits(layout, tmp_path):
    weights = LAYOUTS[layout](load_file(TINY / "model.safetensors"))
    assert_logits(published(tmp_path / "bart", "safetensors", weights), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("writer", WRITERS)
def test_each_published_file_gives_the_same_logits_and_start(writer, tmp_path):
    folder = published(tmp_path / "bart", writer, load_file(TINY / "model.safetensors"))
    assert_logits(folder, rtol=1e-4, atol=1e-4)
    # As the manifest's entry names its downloads, with files of the library beside them that are no weights.
    for name in ("generation_config.json", "tokenizer_config.json", "vocab.json"):
        (folder / name).write_text("{}")
    downloads = [path.rename(path.with_name(f"facebook-bart-{path.name}")) for path in folder.iterdir()]
    unpack_start(downloads, tmp_path / "start.pt", member="", words=40)
    source, target, expected = hugging_face()
    torch.testing.assert_close(
        logits(load_model(tmp_path / "start.pt"), source, target), expected, rtol=1e-4, atol=1e-4
    )


def test_weights_in_half_precision_are_computed_with_in_single(tmp_path):
    half = {name: tensor.half() for name, tensor in load_file(TINY / "model.safetensors").items()}
    assert_logits(published(tmp_path / "bart", "safetensors", half), rtol=0, atol=0.05)


# BartConfig's, where tiny-bart has the same; its sizes differ from the library's and are needed.
DEFAULTS = (
    "scale_embedding", "activation_dropout", "activation_function", "attention_dropout", "dropout", "model_type",
    "bos_token_id", "pad_token_id", "eos_token_id", "decoder_start_token_id", "tie_word_embeddings",
)  # fmt: skip


def test_what_the_config_leaves_out_has_the_librarys_default(tmp_path):
    weights = load_file(TINY / "model.safetensors")
    assert_logits(published(tmp_path / "bart", "safetensors", weights, **dict.fromkeys(DEFAULTS)), rtol=1e-4, atol=1e-4)


def test_a_config_that_says_nothing_describes_bart_large(tmp_path):
    weights = load_file(TINY / "model.safetensors")
    folder = published(tmp_path / "bart", "safetensors", weights)
    (folder / "config.json").write_text("{}")
    options, _ = read_bart(folder)
    sizes = {name: options[name] for name in ("encoder_layers", "decoder_ffn_embed_dim", "decoder_attention_heads")}
    assert sizes == {"encoder_layers": 12, "decoder_ffn_embed_dim": 4096, "decoder_attention_heads": 16}
    assert (options["encoder_embed_dim"], options["max_source_positions"], options["dropout"]) == (1024, 1024, 0.1)
    with pytest.raises(InputError, match="weights do not fit the options"):
        load_bart(folder)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"activation_function": "gelu_new"}, "activation_function is 'gelu_new'; give a model with one of gelu"),
        ({"activation_function": ["relu"]}, "activation_function is .'relu'."),
        ({"encoder_layers": "2"}, "encoder_layers is '2'"),
        ({"scale_embedding": 1}, "scale_embedding is 1"),
        ({"pad_token_id": 0}, "pad_token_id is 0, but only 1 is supported"),
        ({"normalize_before": True}, "normalize_before is True"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings is False"),
    ],
)
def test_a_model_that_computes_something_else_is_refused_by_the_key(changed, complaint, tmp_path):
    weights = load_file(TINY / "model.safetensors")
    with pytest.raises(InputError, match=f"config.json: {complaint}"):
        load_bart(published(tmp_path / "bart", "safetensors", weights, **changed))


def test_an_output_of_its_own_is_refused(tmp_path):
    weights = load_file(TINY / "model.safetensors") | {"lm_head.weight": torch.ones(40, 16)}
    with pytest.raises(InputError, match="lm_head.weight differs from shared.weight"):
        load_bart(published(tmp_path / "bart", "torch", weights))


@pytest.mark.parametrize(
    ("places", "complaint"),
    [
        ({"model.shared.weight": "../x.safetensors"}, "it names the file '../x.safetensors', which is missing"),
        ({"model.shared.weight": "absent.safetensors"}, "it names the file 'absent.safetensors'"),
        ({"model.other.weight": "model.safetensors"}, "its files lack model.other.weight"),
        (["x"], "no weight_map"),
    ],
)
def test_shards_that_are_not_whole_are_refused(places, complaint, tmp_path):
    folder = published(tmp_path / "bart", "safetensors", load_file(TINY / "model.safetensors"))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "model.safetensors").rename(tmp_path / "x.safetensors")
    if complaint.startswith("its files"):
        shutil.copy(tmp_path / "x.safetensors", folder / "a.safetensors")
        places = {"model.other.weight": "a.safetensors"}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    with pytest.raises(InputError, match=f"index.json: {complaint}"):
        load_bart(folder)


def test_torch_weights_that_would_execute_code_are_refused_by_their_class(tmp_path, capsys):
    folder = published(tmp_path / "bart", "torch", {"a": Harmful()})
    with pytest.raises(InputError, match="pytorch_model.bin: no readable model .it holds an object of print"):
        load_bart(folder)
    assert "executed" not in capsys.readouterr().out


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
