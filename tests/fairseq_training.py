"""fairseq-train inside the test's own process, stopped dead at any update; tiny corpora; comparing checkpoints."""

import random
import warnings
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fairseq import checkpoint_utils, options
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.trainer import Trainer
from fairseq_cli import preprocess, train

import janus.plugin  # noqa: F401 - registers tasks, models, criterion and optimiser
from janus.model.checkpoints import read_checkpoint

WORDS = 35
# Options of a training of a tiny model on a processor, without those of its method, its data and its length.
_PLUGIN = Path(__file__).resolve().parents[1] / "janus/plugin"
TINY = ["--encoder-layers", "1", "--decoder-layers", "1", "--encoder-embed-dim", "16", "--decoder-embed-dim", "16"]
TINY += ["--encoder-ffn-embed-dim", "16", "--decoder-ffn-embed-dim", "16"]
TINY += ["--encoder-attention-heads", "2", "--decoder-attention-heads", "2"]
TINY = ["--user-dir", str(_PLUGIN), "--cpu", "--seed", "3", "--optimizer", "fused_adamw", *TINY]
TINY += ["--lr", "0.003", "--lr-scheduler", "inverse_sqrt", "--warmup-updates", "20", "--log-interval", "1"]


class Killed(BaseException):
    """The process is gone: nothing of fairseq's may catch it."""


def run(words: list[str], folder: Path, *, kill_at: int | None = None) -> None:
    """Train with fairseq's options `words`, checkpoints in `folder`; kill_at: the update that is never made.

    What fairseq keeps in its modules, and the global generators, hold nothing of what ran before.
    """
    vars(checkpoint_utils.save_checkpoint).pop("best", None)
    torch.manual_seed(random.randrange(2**31))
    np.random.seed(random.randrange(2**31))
    configuration = deepcopy(_configuration(tuple(words)))
    configuration.checkpoint.save_dir = str(folder)
    original = Trainer.train_step

    def step(trainer: Trainer, *arguments: Any, **options: Any):
        if trainer.get_num_updates() == kill_at:
            raise Killed
        return original(trainer, *arguments, **options)

    Trainer.train_step = step
    try:
        train.main(configuration)
    except Killed:
        pass
    finally:
        Trainer.train_step = original


@lru_cache(maxsize=4)
def _configuration(words: tuple[str, ...]):
    """fairseq's structured options; made once for several trainings, since it takes longer than a training here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_namespace_to_omegaconf(options.parse_args_and_arch(options.get_training_parser(), [*words]))


def tensors(folder: Path, name: str = "checkpoint_last.pt") -> dict[str, Any]:
    """Everything of a checkpoint that decides how a training goes on, by path: weights, moments, rates, progress."""
    state = read_checkpoint(folder / name)
    history = state["optimizer_history"][-1]
    kept = {
        "model": state["model"],
        "optimizer": state["last_optimizer_state"],
        "updates": history["num_updates"],
        "iterator": state["extra_state"]["train_iterator"],
        "best": state["extra_state"].get("best"),
        "loss": state["extra_state"]["val_loss"],
    }
    return dict(_flat(kept, ""))


def _flat(value: Any, path: str):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}/{key}")
    elif isinstance(value, (list, tuple)):
        yield from _flat(dict(enumerate(value)), path)
    else:
        yield path, value


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The paths that differ in a single bit or are missing on one side."""
    return [
        path
        for path in sorted(one.keys() | other.keys())
        if path not in one or path not in other or not _equal(one[path], other[path])
    ]


def _equal(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def write_pairs(folder: Path, *, seed: int, count: int, longest: int = 9, vocabulary: int = WORDS) -> Path:
    """A binarised corpus aa-bb over w0 … w34 (or more words): train of `count` pairs, valid of 6, test of 5."""
    generator = random.Random(seed)
    folder.mkdir(parents=True)
    (folder / "dict.txt").write_text("".join(f"w{i} 1\n" for i in range(vocabulary)))
    for split, number in (("train", count), ("valid", 6), ("test", 5)):
        for side in ("aa", "bb"):
            lines = [_words(generator, generator.randint(1, longest), vocabulary) for _ in range(number)]
            (folder / f"{split}.{side}").write_text("\n".join(lines) + "\n")
    words = ["--source-lang", "aa", "--target-lang", "bb", "--joined-dictionary", "--srcdict", str(folder / "dict.txt")]
    for split in ("train", "valid", "test"):
        words += [f"--{split}pref", str(folder / split)]
    return _binarise(folder, words)


def write_text(folder: Path, *, seed: int, count: int, longest: int = 9) -> Path:
    """Binarised running text over w0 … w34, with blank lines between documents: train of `count` lines, valid of 12."""
    generator = random.Random(seed)
    folder.mkdir(parents=True)
    (folder / "dict.txt").write_text("".join(f"w{i} 1\n" for i in range(WORDS)))
    for split, number in (("train", count), ("valid", 12)):
        lines = [_words(generator, generator.randint(2, longest)) + "\n" * (i % 3 == 2) for i in range(number)]
        (folder / split).write_text("\n".join(lines) + "\n")
    words = ["--only-source", "--srcdict", str(folder / "dict.txt")]
    return _binarise(folder, [*words, "--trainpref", str(folder / "train"), "--validpref", str(folder / "valid")])


def _words(generator: random.Random, number: int, vocabulary: int = WORDS) -> str:
    return " ".join(f"w{generator.randrange(vocabulary)}" for _ in range(number))


def _binarise(folder: Path, words: list[str]) -> Path:
    parser = options.get_preprocessing_parser()
    preprocess.main(parser.parse_args([*words, "--destdir", str(folder / "bin")]))
    return folder / "bin"
