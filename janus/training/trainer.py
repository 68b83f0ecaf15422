"""The training process: fairseq-train, tied to the process that started it (`python -m janus.training.trainer …`).

With several GPUs fairseq spawns a process for each, which imports this module again; so each is tied to the first.
"""

import multiprocessing
import os
import signal

from janus.training.tether import die_with_parent

# Set by janus.training.run: the process id that this one must not outlive.
PARENT = "JANUS_TRAINER_PARENT"


def _tie() -> None:
    spawner = multiprocessing.parent_process()
    if spawner is not None and spawner.pid is not None:
        # torch later asks the kernel for SIGINT, which Python would notice only between two operations of torch.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with_parent(spawner.pid)
    elif PARENT in os.environ:
        die_with_parent(int(os.environ[PARENT]))


_tie()

if __name__ == "__main__":
    from fairseq_cli.train import cli_main

    cli_main()
