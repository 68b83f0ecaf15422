"""The slurm profile on a real Slurm of one node: a cancelled training and one over its time limit change no result."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from kill_many import COMPARED, differences
from one_node_slurm import obstacle, one_node_slurm, processes_of

ROOT = Path(__file__).resolve().parents[2]
SITE = Path("tests/workflow/one-node")
RESULTS = Path("results/one-node")
RUNS = RESULTS / "kills.de-en"
TARGET = ["table1", "--configfile", str(SITE / "tier.yaml")]

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.slow,
    pytest.mark.skipif(obstacle() is not None, reason=f"no Slurm can be started here: {obstacle()}"),
]


@pytest.fixture(scope="module")
def slurm():
    """The environment of a running Slurm; nothing of it is left afterwards."""
    # A socket's path must be short, which pytest's folders are not.
    folder = Path(tempfile.mkdtemp(prefix="slurm."))
    try:
        with one_node_slurm(folder) as environment:
            yield environment
        assert processes_of(environment) == []
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def local(fresh_checkout):
    """A checkout in which the corpus is prepared."""
    made = fresh_checkout()
    for name in ("kills", "one-node"):
        shutil.copytree(ROOT / "tests/workflow" / name, made.folder / "tests/workflow" / name)
    # A checkpoint holds the place of a method that is a file: the same in both checkouts, for equal bytes.
    systems = made.folder / SITE / "systems.yaml"
    text = systems.read_text(encoding="utf-8")
    systems.write_text(text.replace("method: slow.py", f"method: {ROOT / SITE / 'slow.py'}"), encoding="utf-8")
    done = made.snakemake("--cores", "2", str(RUNS / "corpus/bin"), *TARGET[1:])
    assert done.returncode == 0, done.stdout
    return made


def queue(environment):
    """State, time limit and comment of every job, in the order in which they were submitted, by job number."""
    words = ["squeue", "--noheader", "--states=all", "--sort=i", "--format=%i|%T|%l|%k"]
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    return {number: rest for number, *rest in (line.split("|") for line in said.splitlines())}


def trainings(environment, system):
    """Number, state and time limit of each job that trained a system."""
    jobs = queue(environment).items()
    return [(number, state, limit) for number, (state, limit, what) in jobs if "train" in what and f"_{system}" in what]


def wait_for(condition, main, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert main.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)


def test_the_tables_are_those_of_an_unbroken_local_run(slurm, local, tmp_path):
    own = local.copy(tmp_path / "checkout").folder
    # More attempts than a machine needs that has time for the first.
    words = ["--profile", str(SITE), "--workflow-profile", "slurm", "--retries", "4", *TARGET]
    environment = slurm | {"PYTHONPATH": str(own)}
    log = tmp_path / "snakemake.log"
    with open(log, "w", encoding="utf-8") as stream:
        main = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *words], cwd=own, env=environment, stdout=stream, stderr=stream
        )
    try:
        checkpoints = own / RUNS / "ar/seed-1/checkpoints"
        wait_for((checkpoints / "checkpoint1.pt").exists, main)
        ((number, state, _),) = trainings(slurm, "ar")
        assert state == "RUNNING"
        subprocess.run(["scancel", number], env=slurm, check=True)
        # Nothing breaks this one. Meanwhile those on Slurm mostly sleep.
        unbroken = local.snakemake("--cores", "1", *TARGET)
        status = main.wait(timeout=600)
    finally:
        main.kill()
        main.wait()
    assert status == 0, log.read_text()
    assert unbroken.returncode == 0, unbroken.stdout
    # Tables, decoded text and weights byte for byte, records but for their clocks.
    assert all(list((own / RESULTS).glob(pattern)) for pattern in COMPARED)
    assert differences(own / RESULTS, local.folder / RESULTS) == []
    # One training was cancelled, the other was over its two minutes and was granted four; both went on where they were.
    assert [state for _, state, _ in trainings(slurm, "ar")] == ["CANCELLED", "COMPLETED"]
    _, states, limits = zip(*trainings(slurm, "nar"))
    assert limits[:2] == ("2:00", "4:00") and states[-1] == "COMPLETED" and "COMPLETED" not in states[:-1]
    for system in ("ar", "nar"):
        said = (own / RUNS / system / "seed-1/checkpoints/log.jsonl").read_text()
        assert re.search(r"Loaded checkpoint .*checkpoint_last.pt \(epoch \d+ @ [1-9]\d* updates\)", said)
    assert "stopped as asked after update" in said
