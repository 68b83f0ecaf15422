"""A run on Slurm that could only wait is refused; the commands are stand-ins that answer as Slurm 22.05 does."""

import pytest

from janus.errors import InputError
from janus.slurm import Demand, require_accounting, require_nodes


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A function that puts a command on the path, with its output and status."""

    def command(name, output, status=0, stream=1):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\nprintf '%b' '{output}' >&{stream}\nexit {status}\n", encoding="utf-8")
        path.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    return command


def test_a_cluster_without_accounting(cluster):
    cluster("sacct", "Slurm accounting storage is disabled\\n", 1, 2)
    with pytest.raises(InputError, match=r"sacct ended with status 1 \(Slurm accounting storage is disabled\).*squeue"):
        require_accounting()
    cluster("sacct", "")
    require_accounting()


def test_no_sacct_at_all(cluster):
    with pytest.raises(InputError, match="No such file"):
        require_accounting()


def test_a_job_must_fit_one_node(cluster):
    cluster("sinfo", "2 6000\\n4 3000\\n")
    require_nodes([Demand("score", 1, 2000), Demand("train", 4, 3000), Demand("decode", 2, 6000)])
    for cores, memory in ((8, 100), (4, 6000), (1, 7000)):
        with pytest.raises(InputError, match=f"rule score asks for {cores} cores and {memory} MiB"):
            require_nodes([Demand("train", 1, 1), Demand("score", cores, memory)])
    cluster("sinfo", "")
    with pytest.raises(InputError, match="no node has them .sinfo names none."):
        require_nodes([Demand("score", 1, 1)])
    cluster("sinfo", "no controller\\n", 1, 2)
    with pytest.raises(InputError, match="no controller"):
        require_nodes([])
