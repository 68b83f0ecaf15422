"""Readers of weights: checkpoints of fairseq, and folders of Hugging Face."""

import json
from argparse import Namespace
from functools import cache
from pathlib import Path

import torch
from fuzz.engine import Reader, all_of

from janus.methods.base.loading import load_model
from janus.model.averaging import average_checkpoints
from janus.model.hugging_face import read_folder
from janus.model.zip_integrity import is_cut_short
from janus.training.finished import is_finished
from janus.training.recovery import repair_checkpoints


@cache
def _states() -> list:
    from fairseq_models import build

    def state(arch: str, **more: object) -> dict:
        options = {"encoder_layers": 1, "decoder_layers": 1, "encoder_embed_dim": 8, "decoder_embed_dim": 8}
        options |= {"encoder_ffn_embed_dim": 8, "decoder_ffn_embed_dim": 8}
        options |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        model, _ = build(arch, size=6, **options)
        args = Namespace(
            arch=arch, share_all_embeddings=True, max_source_positions=64, max_target_positions=64, **options
        )
        progress = {"train_iterator": {"epoch": 2}, "val_loss": 1.0, "best": 1.0, "patience": {"num_runs": 1}}
        return {
            "args": args,
            "model": model.state_dict(),
            "optimizer_history": [{"num_updates": 3, "optimizer_name": "x"}],
            "extra_state": progress,
        } | more

    plain = state("transformer")
    task = {"_name": "janus", "method": "joint", "method_options": "{losses: {ar: 1, nar: 1}}"}
    options = vars(plain["args"]) | {
        "arch": "janus_transformer",
        "encoder_learned_pos": True,
        "decoder_learned_pos": True,
    }
    joint = state("janus_transformer") | {"args": None, "cfg": {"model": options, "task": task}}
    return [plain, joint]


def _read_checkpoint(path: Path) -> None:
    is_cut_short(path)
    arguments = ["--save-dir", str(path.parent), "--max-update", "10", "--max-epoch", "3", "--patience", "2"]
    all_of(
        lambda: load_model(path),
        lambda: is_finished(arguments),
        lambda: average_checkpoints([path, path], path.parent / "averaged.pt"),
        lambda: repair_checkpoints(path.parent),
    )


def _hugging_face() -> bytes:
    config = {"model_type": "bart", "d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.1}
    return json.dumps(config | {"encoder_attention_heads": 2, "decoder_attention_heads": 2}, indent=1).encode()


def _read_hugging_face(path: Path) -> None:
    torch.save({"shared.weight": torch.zeros(8, 8)}, path.parent / "pytorch_model.bin")
    read_folder(path.parent)


READERS = (
    Reader("checkpoint", "checkpoint_last.pt", "checkpoint", _states, _read_checkpoint, 0.8),
    Reader("hugging-face", "config.json", "json", lambda: [_hugging_face()], _read_hugging_face),
)
