"""A training that is asked to stop saves a checkpoint after the update at hand and ends.

It is asked by SIGTERM or SIGUSR1, as batch systems send them before a time limit. Resumed, it equals one that was not
stopped: the checkpoint is the one that fairseq would have written there, with the place in the epoch.
"""

import logging
import multiprocessing
import os
import signal
import sys
from functools import partial
from typing import Any

import torch

# First: it sends the log to stdout, unless a library that fairseq imports has already sent it elsewhere.
from fairseq_cli import train  # isort: skip
from fairseq import checkpoint_utils
from fairseq.distributed import utils as distributed

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)

_log = logging.getLogger(__name__)
_asked = False
_validate_and_save = train.validate_and_save


def heed_requests(status: int) -> None:
    """Let this process, a training or one rank of it, end with `status` when it is asked to stop.

    To be called once, in the main thread, before fairseq trains.
    """
    for number in _SIGNALS:
        signal.signal(number, _ask)
    train.validate_and_save = partial(_and_stop, status)


def _ask(number: int, _: Any) -> None:
    global _asked
    _asked = True
    # A batch system signals all processes of a job, and torch would raise an exception, in the middle of an update,
    # for a process that loads data and is gone.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # The process that started the ranks is none itself. Processes that load data have this handler too, and no others.
    for child in multiprocessing.active_children():
        if child.pid is not None:
            _send(child.pid, signal.SIGUSR1)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        # It has ended by itself.
        return


def _and_stop(
    status: int, cfg: Any, trainer: Any, task: Any, epoch: Any, subsets: Any, end_of_epoch: bool
) -> tuple[list[Any], bool]:
    """fairseq's step after each update, which validates and saves at its time; then stop if a rank was asked to."""
    losses, ends = _validate_and_save(cfg, trainer, task, epoch, subsets, end_of_epoch)
    if ends or not _any_rank_asked(trainer):
        return losses, ends
    if not _has_saved(cfg.checkpoint, epoch.epoch, trainer.get_num_updates(), end_of_epoch):
        checkpoint_utils.save_checkpoint(cfg.checkpoint, trainer, epoch, None)
    _log.info("stopped as asked after update %d", trainer.get_num_updates())
    # The first rank that ends has the others killed, so all wait for the one that saves.
    _any_rank_asked(trainer)
    sys.exit(status)


def _any_rank_asked(trainer: Any) -> bool:
    """The same answer in every rank, so that all stop after the same update."""
    if trainer.data_parallel_world_size == 1:
        return _asked
    flag = torch.tensor([float(_asked)], device=trainer.device)
    distributed.all_reduce(flag, group=trainer.data_parallel_process_group)
    return flag.item() > 0


def _has_saved(options: Any, epoch: int, updates: int, end_of_epoch: bool) -> bool:
    """Whether fairseq has just saved after this update."""
    if end_of_epoch and epoch % options.save_interval == 0:
        return True
    return options.save_interval_updates > 0 and updates % options.save_interval_updates == 0
