"""What a run on Slurm needs before the first job is submitted: a warning of time limits, and jobs that can start."""

from collections.abc import Iterable
from typing import NamedTuple

from janus import children
from janus.errors import InputError

# `sbatch --signal`: five minutes before its limit a job gets SIGUSR1, at which a training saves and ends. All processes
# of its step get it; with `B:` before it only the batch script would, which ends of it, and srun then kills the step.
WARNING = "USR1@300"


class Demand(NamedTuple):
    """The resources that a job of a rule requests: cores, and memory in MiB."""

    rule: str
    cores: int
    memory: int


def require_accounting() -> None:
    """Raise InputError if `sacct` does not answer: a run that queries it would never learn that its jobs ended."""
    fix = "add `slurm-status-command: squeue` to your site profile (config/README.md)"
    children.run(["sacct", "--noheader", "--starttime=now"], where="slurm", fix=fix)


def require_nodes(demands: Iterable[Demand]) -> None:
    """Raise InputError if no node of the cluster meets a demand: Slurm would keep that job in its queue."""
    command = ["sinfo", "--noheader", "--Node", "--format=%c %m"]
    said = children.run(command, where="slurm", fix="see that Slurm answers on this machine")
    nodes = [tuple(map(int, line.split())) for line in said.splitlines()]
    for demand in demands:
        if not any(cores >= demand.cores and memory >= demand.memory for cores, memory in nodes):
            largest = "the largest has {} and {}".format(*max(nodes)) if nodes else "sinfo names none"
            raise InputError(
                f"rule {demand.rule} asks for {demand.cores} cores and {demand.memory} MiB, and no node has them "
                f"({largest})",
                where="slurm",
                fix="give max-threads or set-resources in your site profile",
            )
