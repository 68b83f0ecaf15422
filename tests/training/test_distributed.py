"""Two processes see the batches, and draw the masks, that one process sees when it accumulates two of them."""

import socket
import subprocess
import sys

import torch

from janus.model.checkpoints import read_checkpoint

JANUS = ("--task", "janus", "--arch", "janus_transformer", "--criterion", "janus")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def weights(folder) -> dict[str, torch.Tensor]:
    return read_checkpoint(folder / "checkpoint_last.pt")["model"]


def test_two_processes_equal_two_accumulated_batches(training_options, tmp_path):
    def command(folder, *more):
        words = [*training_options(folder, *JANUS, *more), "--dropout", "0", "--max-update", "4"]
        return [sys.executable, "-m", "fairseq_cli.train", *words]

    subprocess.run(command(tmp_path / "one", "--update-freq", "2"), check=True, capture_output=True)
    group = ["--distributed-init-method", f"tcp://127.0.0.1:{free_port()}", "--distributed-world-size", "2"]
    group += ["--distributed-no-spawn", "--distributed-backend", "gloo", "--ddp-backend", "legacy_ddp"]
    processes = [
        subprocess.Popen(
            command(tmp_path / "two", *group, "--distributed-rank", str(rank)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0, output[-2000:]
    both = weights(tmp_path / "two"), weights(tmp_path / "one")
    for name, tensor in both[0].items():
        torch.testing.assert_close(tensor, both[1][name], rtol=1e-4, atol=1e-5, msg=lambda m, name=name: f"{name}: {m}")
