"""A Slurm of one node on this machine: controller, daemon and MUNGE on free ports of loopback, no database, no systemd.

    python tests/one_node_slurm.py [FOLDER]      # root; apt-get install slurmctld slurmd slurm-client munge

starts it, prints what to set so that Slurm's commands find it, and stops it at Ctrl-C. FOLDER keeps configuration, key,
state and logs; nothing is written elsewhere. The GPU is a pretended one: /dev/null under the name of a model.
"""

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import psutil

from janus.training.tether import die_with_parent

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo", "scontrol")
_START, _STOP = 30, 15
# Without a default a job that names no memory takes the whole node, and all others wait. Finished jobs stay in memory
# for a day, since there is no database to ask for them.
_CONFIGURATION = """\
ClusterName=one-node
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/daemon
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2
DefMemPerCPU=500
MinJobAge=86400
ReturnToService=2
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:h200:1 State=UNKNOWN
PartitionName=batch Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def obstacle() -> str | None:
    """Why no Slurm can be started here; None where one can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        return f"{', '.join(missing)}: not installed (Debian: slurmctld slurmd slurm-client munge)"
    return None if os.geteuid() == 0 else "Slurm's daemons need root"


@contextlib.contextmanager
def one_node_slurm(folder: Path) -> Iterator[dict[str, str]]:
    """Slurm until the block ends, then none of its processes and jobs; yields the environment its commands need.

    folder: where its files go; its path must be short enough for a socket (about 90 letters).
    Raises RuntimeError, with the end of the logs, if it does not come up within half a minute.
    """
    configuration = _configure(folder)
    environment = os.environ | {"SLURM_CONF": str(configuration), "PATH": f"{_wrapped(folder)}:{_path()}"}
    munge = [
        f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("key-file", "socket", "pid-file", "seed-file")
    ]
    commands = [
        ["munged", "--foreground", "--force", f"--log-file={folder}/munge.log", *munge],
        ["slurmctld", "-D", "-c", "-f", str(configuration)],
        ["slurmd", "-D", "-c", "-f", str(configuration)],
    ]
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            daemons.append(_start(command, folder, environment))
            if command[0] == "munged":
                _wait_until((folder / "munge.socket").exists, "MUNGE", folder)
        _wait_until(lambda: _said(["sinfo", "--noheader", "--format=%T"], environment) == "idle", "Slurm", folder)
        yield environment
    finally:
        _stop(daemons, environment)


def _configure(folder: Path) -> Path:
    for name in ("controller", "daemon"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    # MUNGE accepts no folder, key or socket that others may write to.
    folder.chmod(0o755)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    node = socket.gethostname().partition(".")[0]
    memory = psutil.virtual_memory().total * 8 // 10 // 2**20
    (folder / "gres.conf").write_text(f"NodeName={node} Name=gpu Type=h200 File=/dev/null\n", encoding="utf-8")
    path = folder / "slurm.conf"
    text = _CONFIGURATION.format(folder=folder, node=node, ports=_ports(2), cores=os.cpu_count(), memory=memory)
    path.write_text(text, encoding="utf-8")
    return path


def _wrapped(folder: Path) -> Path:
    """A folder with a srun that finds the configuration; Snakemake's plugin hides `SLURM_CONF` from it."""
    programs = folder / "bin"
    programs.mkdir()
    words = ["env", f"SLURM_CONF={folder}/slurm.conf", shutil.which("srun", path=_path())]
    (programs / "srun").write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    (programs / "srun").chmod(0o755)
    return programs


def _ports(count: int) -> list[int]:
    """Free ports; all are held until the last is found, so that they differ."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _start(command: Sequence[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with open(folder / f"{command[0]}.out", "ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
            # However this process ends.
            preexec_fn=partial(die_with_parent, os.getpid()),
        )


def _stop(daemons: Sequence[subprocess.Popen[bytes]], environment: dict[str, str]) -> None:
    """End jobs, then daemons, then what is left of both."""
    if len(daemons) == 3 and all(daemon.poll() is None for daemon in daemons):
        subprocess.run(["scancel", "--user=root"], env=environment, capture_output=True)
        deadline = time.monotonic() + _STOP
        while (
            _said(["squeue", "--noheader", "--states=running,completing"], environment) and time.monotonic() < deadline
        ):
            time.sleep(0.3)
    for daemon in reversed(daemons):
        daemon.terminate()
    for daemon in daemons:
        try:
            daemon.wait(_STOP)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    for process in processes_of(environment):
        process.kill()


def processes_of(environment: dict[str, str]) -> list[psutil.Process]:
    """The processes that have this Slurm's configuration in their environment: daemons, steps, jobs."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("SLURM_CONF") == environment["SLURM_CONF"]:
                found.append(process)
    return found


def _said(command: Sequence[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.strip()


def _wait_until(condition: Callable[[], bool], what: str, folder: Path) -> None:
    deadline = time.monotonic() + _START
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted(folder.glob("*.out")))
            raise RuntimeError(f"{what} did not come up within {_START} seconds\n{logs}")
        time.sleep(0.2)


def _path() -> str:
    """Where daemons lie too."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def main() -> None:
    """The command line."""
    if reason := obstacle():
        sys.exit(reason)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="slurm.")).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with one_node_slurm(folder) as environment, contextlib.suppress(KeyboardInterrupt):
        names = " ".join(f"{name}={shlex.quote(environment[name])}" for name in ("SLURM_CONF", "PATH"))
        print(f"Slurm is up; Ctrl-C ends it. In another shell: export {names}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
