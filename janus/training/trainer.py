"""The training process: fairseq-train, tied to the process that started it (`python -m janus.training.trainer …`).

With several GPUs fairseq spawns a process for each, which imports this module again; so each is tied to the first, and
each heeds a request to stop (`janus.training.stopping`).
"""

import multiprocessing
import os
import signal
import sys

from janus.training.tether import die_with_parent

# Set by janus.training.run: the process id that this one must not outlive.
PARENT = "JANUS_TRAINER_PARENT"
# The status of a training that stopped as asked, with a checkpoint: EX_TEMPFAIL of sysexits.h.
STOPPED = 75


def _tie() -> None:
    spawner = multiprocessing.parent_process()
    if spawner is not None and spawner.pid is not None:
        # torch later asks the kernel for SIGINT, which Python would notice only between two operations of torch.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with_parent(spawner.pid)
    elif PARENT in os.environ:
        die_with_parent(int(os.environ[PARENT]))


def _train() -> None:
    """fairseq's command; where a rank has stopped as asked, its status is the status of all."""
    from fairseq_cli.train import cli_main
    from torch.multiprocessing import ProcessExitedException

    try:
        cli_main()
    except ProcessExitedException as error:
        if error.exit_code == STOPPED:
            sys.exit(STOPPED)
        raise


_tie()

if PARENT in os.environ:
    # Imports fairseq, which takes seconds; the tie comes first.
    from janus.training.stopping import heed_requests

    heed_requests(STOPPED)

if __name__ == "__main__":
    _train()
