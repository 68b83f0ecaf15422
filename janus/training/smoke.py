"""A sum over all ranks before a training of several processes begins: one that hangs says nothing for half an hour.

python -m janus.training.smoke 4          # NCCL between 4 GPUs
python -m janus.training.smoke 2 --cpu    # Gloo between 2 processes
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from janus import children
from janus.errors import InputError

# Seconds until all ranks must have answered; NCCL's first exchange takes a few.
_PATIENCE = 120
_FIX = "run `NCCL_DEBUG=INFO python -m janus.training.smoke {count}`, or train on one GPU (`gpus: 1`)"


def require_ranks(count: int, *, device: str, patience: float = _PATIENCE) -> None:
    """Raise InputError if `count` processes on this machine cannot sum a tensor, on `device` cuda (NCCL) or cpu (Gloo).

    patience: seconds after which they are taken to hang.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="janus-smoke-") as folder:
        logs = [Path(folder) / str(rank) for rank in range(count)]
        words = [sys.executable, "-m", "janus.training.smoke", str(count), *(["--cpu"] if device == "cpu" else [])]
        ranks = [_start([*words, "--rank", str(rank), "--port", str(port)], log) for rank, log in enumerate(logs)]
        try:
            failed = _wait(ranks, patience)
        finally:
            for rank in ranks:
                rank.kill()
                rank.wait()
        if failed is not None:
            said = children.last_words(logs[failed].read_text(encoding="utf-8", errors="replace"))
            how = (
                "did not answer" if ranks[failed].returncode == -9 else f"ended with status {ranks[failed].returncode}"
            )
            where = f"{count} processes on {device}"
            raise InputError(f"process {failed} {how} ({said})", where=where, fix=_FIX.format(count=count))


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with open(log, "wb") as stream:
        environment = children.environment()
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment)


def _wait(ranks: Sequence[subprocess.Popen[bytes]], patience: float) -> int | None:
    """The first rank that fails, or that has not ended in time; None where all succeed."""
    deadline = time.monotonic() + patience
    while True:
        # All are asked: those that wait for one that has failed never end.
        codes = [rank.poll() for rank in ranks]
        if failed := [number for number, code in enumerate(codes) if code]:
            return failed[0]
        if None not in codes:
            return None
        if time.monotonic() > deadline:
            return codes.index(None)
        time.sleep(0.05)


def _sum(rank: int, count: int, port: int, cpu: bool) -> None:
    """What a rank does."""
    import torch
    from torch import distributed

    device = torch.device("cpu") if cpu else torch.device("cuda", rank)
    distributed.init_process_group(
        "gloo" if cpu else "nccl", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=count
    )
    numbers = torch.full((1024,), float(rank), device=device)
    distributed.all_reduce(numbers)
    expected = count * (count - 1) / 2
    if not bool(numbers.eq(expected).all()):
        sys.exit(f"the sum over {count} processes is {numbers[0].item()}, not {expected}")
    distributed.destroy_process_group()


def main() -> None:
    """The command line: the check, or one rank of it."""
    parser = argparse.ArgumentParser(prog="python -m janus.training.smoke", description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, help="processes, one for each GPU")
    parser.add_argument("--cpu", action="store_true", help="Gloo on the processor instead of NCCL on GPUs")
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank is not None:
        _sum(options.rank, options.count, options.port, options.cpu)
        return
    device = "cpu" if options.cpu else "cuda"
    try:
        require_ranks(options.count, device=device)
    except InputError as error:
        sys.exit(f"error: {error}")
    print(f"{options.count} processes on {device}: all answer")


if __name__ == "__main__":
    main()
