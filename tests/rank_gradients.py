"""`python rank_gradients.py RANK ADDRESS FILE`: the gradients of one update in one of two processes, method by method.

FILE holds fairseq's options of each training by name; beside it, `<rank>.pt` gets the gradients by name and parameter.
"""

import json
import sys
from copy import deepcopy
from pathlib import Path

import torch
from fairseq import options
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.trainer import Trainer
from fairseq_cli import train

import janus.plugin  # noqa: F401 - registers tasks, models, criterion and optimiser


def gradients(words: list[str]) -> dict[str, torch.Tensor]:
    """What the optimiser of a training with fairseq's options `words` gets in its first update, by parameter."""
    found: dict[str, torch.Tensor] = {}
    original = Trainer.clip_grad_norm

    def note(trainer: Trainer, limit: float):
        # Averaged over ranks and batches already.
        weights = trainer._model.named_parameters()
        found.update({name: weight.grad.clone() for name, weight in weights if weight.grad is not None})
        return original(trainer, limit)

    more = ["--max-update", "1", "--no-save", "--disable-validation", "--num-workers", "0"]
    parsed = options.parse_args_and_arch(options.get_training_parser(), [*words, *more])
    Trainer.clip_grad_norm = note
    try:
        train.main(deepcopy(convert_namespace_to_omegaconf(parsed)))
    finally:
        Trainer.clip_grad_norm = original
    return found


def main() -> None:
    """One rank of two."""
    rank, address, file = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    torch.distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    group = ["--distributed-world-size", "2", "--distributed-rank", str(rank), "--distributed-no-spawn"]
    group += ["--distributed-init-method", address, "--distributed-backend", "gloo", "--ddp-backend", "legacy_ddp"]
    trainings = json.loads(file.read_text(encoding="utf-8"))
    torch.save({name: gradients([*words, *group]) for name, words in trainings.items()}, file.with_name(f"{rank}.pt"))
    torch.distributed.barrier()


if __name__ == "__main__":
    main()
