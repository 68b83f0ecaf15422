"""Kill a run of the workflow at random moments, start it again with the same command, compare with an undisturbed one.

    python tests/kill_many.py --kills 20 --seed 1 [--folder F] [--undisturbed F]

Each kill comes at a random moment, in turn to the process group, to Snakemake alone, a job's script alone, a training
alone, as SIGKILL, SIGTERM, SIGHUP or SIGINT; every other one waits for a training that has a checkpoint to resume from.
Nothing is tidied up between a kill and the next start. When a run reaches its end before all kills were made, its
results are compared and removed, and the next begins. At no time may two trainings write into one folder. Every decoded
file, averaged checkpoint and table must equal the undisturbed one's byte for byte, and every JSON record but for the
entries that `janus.records.provenance` names volatile.
"""

import argparse
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from signals import heed_signals

from janus.records.provenance import content

ROOT = Path(__file__).resolve().parents[1]
# What a run reads of the checkout.
PARTS = ("Snakefile", "profiles", "workflow", "config", "envs", "janus", "kernels", "tests/workflow/kills")
TIER = "tests/workflow/kills/tier.yaml"
RESULTS = Path("results/kills")
WAYS = [
    ("group", signal.SIGKILL),
    ("snakemake", signal.SIGKILL),
    ("script", signal.SIGKILL),
    ("group", signal.SIGHUP),
    ("group", signal.SIGTERM),
    ("training", signal.SIGKILL),
    ("group", signal.SIGINT),
    ("snakemake", signal.SIGHUP),
    ("script", signal.SIGTERM),
]
COMPARED = ("*/*/seed-*/averaged.pt", "*/*/seed-*/decode/*.bpe", "tables/*.csv", "tables/*.md", "tables/*.tex")
RECORDS = tuple(
    f"*/*/seed-*/{name}" for name in ("train.json", "averaged.json", "decode/*.json", "score/*.json", "compare/*.json")
)


class Violation(AssertionError):
    """What must not happen whatever is killed."""


class Run:
    """A checkout in which one command is started again and again."""

    def __init__(self, folder: Path, cores: int, targets: Sequence[str] = ("table1",)):
        self.folder = folder
        for part in PARTS:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", ROOT / part, folder / part], check=True)
        words = ["--cores", str(cores), *targets, "--configfile", TIER]
        self.command = [sys.executable, "-m", "snakemake", *words]
        self.log = folder / "snakemake.log"

    def start(self) -> psutil.Popen:
        """Start the command in a process group of its own, as a terminal does."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        with open(self.log, "a", encoding="utf-8") as log:
            return psutil.Popen(
                self.command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=heed_signals,
            )

    def processes(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        """Those of this checkout, whoever started them, with their command lines."""
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    yield process, _words(process.cmdline())
            except psutil.Error:
                continue

    def trainings(self) -> Counter[str]:
        """How many trainings write into each folder; the processes that load data for one are part of it."""
        found = [(p, words) for p, words in self.processes() if "--save-dir" in words and not _stands_in(words)]
        own = {process.pid for process, _ in found}
        firsts = [(p, words) for p, words in found if _parent(p) not in own]
        return Counter(words[words.index("--save-dir") + 1] for _, words in firsts)

    def has_begun(self) -> bool:
        """Whether a training runs that has a checkpoint to resume from."""
        return any((self.folder / folder / "checkpoint_last.pt").exists() for folder in self.trainings())

    def resumptions(self) -> int:
        """How often trainings of the present results went on from a checkpoint."""
        logs = self.folder.glob(f"{RESULTS}/*/*/seed-*/checkpoints/log.jsonl")
        return sum(log.read_text(encoding="utf-8", errors="replace").count("Loaded checkpoint") for log in logs)

    def watch(self, seconds: float, main: psutil.Popen) -> int | None:
        """Wait until `main` ends or the time is over; its status. Raises Violation for two trainings in a folder."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            crowded = [folder for folder, count in self.trainings().items() if count > 1]
            if crowded:
                raise Violation(f"two trainings write into {crowded}")
            if main.poll() is not None:
                return main.returncode
            time.sleep(0.1)
        return main.poll()

    def tail(self) -> str:
        """The end of what Snakemake said."""
        return self.log.read_text(errors="replace")[-3000:]


def _words(command: list[str]) -> list[str]:
    """The words of a command; one that was forked from a warm Python has them in a single string."""
    command = [word for word in command if word]
    return shlex.split(command[0]) if len(command) == 1 and " " in command[0] else command


def _stands_in(words: list[str]) -> bool:
    """Whether a process waits for one of the same command, which was forked from a warm Python."""
    return any(word.endswith("warm_client.py") for word in words)


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def victim(run: Run, main: psutil.Popen, whom: str) -> int | None:
    """The process id to signal, negative for a group; None where there is no such process now."""
    if whom == "group":
        return -main.pid
    if whom == "snakemake":
        return main.pid
    mark = ".snakemake/scripts/" if whom == "script" else "--save-dir"
    name = "python" if whom == "script" else "-m"
    for process, words in run.processes():
        if any(mark in word for word in words) and (name in words[1:] or name in words[0]):
            return process.pid
    return None


def differences(killed: Path, undisturbed: Path) -> list[str]:
    """Products that differ, or that only one of the two has."""
    found = []
    for pattern in (*COMPARED, *RECORDS):
        names = {str(path.relative_to(folder)) for folder in (killed, undisturbed) for path in folder.glob(pattern)}
        for name in sorted(names):
            sides = killed / name, undisturbed / name
            if not all(side.is_file() for side in sides):
                found.append(f"{name} is missing")
            elif pattern in RECORDS:
                records = [content(json.loads(side.read_text())) for side in sides]
                if records[0] != records[1]:
                    found.append(name)
            elif sides[0].read_bytes() != sides[1].read_bytes():
                found.append(name)
    return found


def kill_many(
    kills: int,
    seed: int,
    folder: Path,
    cores: int = 2,
    undisturbed: Path | None = None,
    targets: Sequence[str] = ("table1",),
) -> dict[str, object]:
    """Make the kills and return what was counted; `differing` and `leftover` must be empty, `compared` not.

    undisturbed: results of a run that nobody killed, to compare with; made first where not given. targets: what
    Snakemake is asked for.
    """
    draw = random.Random(seed)
    started = time.monotonic()
    # Copied before anything runs, so that the checkout may change meanwhile.
    run = Run(folder / "killed", cores, targets)
    if undisturbed is None:
        calm = Run(folder / "undisturbed", cores, targets)
        if calm.watch(3600, calm.start()) != 0:
            raise Violation(f"the undisturbed run failed: {calm.tail()}")
        undisturbed = calm.folder / RESULTS
    duration = time.monotonic() - started
    made: list[tuple[str, str, float]] = []
    differing: list[str] = []
    leftover: list[str] = []
    starts = rounds = resumptions = 0
    while True:
        main = run.start()
        starts += 1
        last = len(made) == kills
        status = run.watch(3600 if last else draw.uniform(1, max(duration / 2, 20)), main)
        if status is None:
            whom, number = WAYS[len(made) % len(WAYS)]
            while len(made) % 2 and not run.has_begun() and main.poll() is None:
                time.sleep(0.05)
            target = victim(run, main, whom)
            while target is None and main.poll() is None:
                time.sleep(0.05)
                target = victim(run, main, whom)
            if target is not None and main.poll() is None:
                _signal(target, number)
                made.append((whom, number.name, round(time.monotonic() - started, 1)))
                print(f"kill {len(made)} of {kills}: {number.name} to the {whom}", flush=True)
            if run.watch(600, main) is None:
                raise Violation(f"Snakemake goes on after {made[-1]}: {run.tail()}")
        elif status == 0:
            rounds += 1
            found = differences(run.folder / RESULTS, undisturbed)
            differing += found
            resumptions += run.resumptions()
            if last:
                break
            if found:
                (run.folder / RESULTS).rename(folder / f"differing-{rounds}")
            else:
                shutil.rmtree(run.folder / RESULTS)
        elif not made or last:
            raise Violation(f"a start failed without a kill: {run.tail()}")
    time.sleep(1)
    leftover += [" ".join(words) for _, words in run.processes()]
    return {
        "kills": made,
        "starts": starts,
        "rounds": rounds,
        "resumptions": resumptions,
        "seconds": round(time.monotonic() - started),
        "compared": sum(len(list(undisturbed.glob(pattern))) for pattern in (*COMPARED, *RECORDS)),
        "differing": differing,
        "leftover": leftover,
    }


def _signal(target: int, number: signal.Signals) -> None:
    try:
        if target < 0:
            os.killpg(-target, number)
        else:
            os.kill(target, number)
    except ProcessLookupError:
        # It ended by itself in this very moment.
        return


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="a new folder for all runs; a temporary one if not given")
    parser.add_argument("--undisturbed", type=Path, help="results/kills of a run that nobody killed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-many.", ignore_cleanup_errors=True) as temporary:
        folder = options.folder or Path(temporary)
        counted = kill_many(options.kills, options.seed, folder.resolve(), options.cores, options.undisturbed)
    print(json.dumps(counted, indent=2))
    sys.exit(1 if counted["differing"] or counted["leftover"] or not counted["compared"] else 0)


if __name__ == "__main__":
    main()
