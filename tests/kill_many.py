"""Kill a run of the workflow at random moments, start it again with the same command, compare with an undisturbed one.

    python tests/kill_many.py --kills 20 --seed 1 [--each 3] [--configfile T] [--targets T …] [--folder F]

Each kill comes at a random moment, in turn to the process group, to Snakemake alone, a job's script alone, a training
alone, as SIGKILL, SIGTERM, SIGHUP or SIGINT; every other one waits for a training that has a checkpoint to resume from.
With `--each n`, SIGKILLs of the whole group come first, each at a random moment of a job, until every kind of rule of
the run was killed n times; which rules ran at a kill is read from Snakemake's log.
Nothing is tidied up between a kill and the next start. When a run reaches its end before all kills were made, its
results are compared and removed, and the next begins. At no time may two trainings write into one folder. Every decoded
file, averaged checkpoint and table must equal the undisturbed one's byte for byte, and every JSON record but for the
entries that `janus.records.provenance` names volatile. Tables with measured times are no two runs' alike; they are
counted and not compared.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psutil
from signals import heed_signals

from janus.config.yaml_file import read_yaml
from janus.records.provenance import content

ROOT = Path(__file__).resolve().parents[1]
# What a run reads of the checkout.
PARTS = ("Snakefile", "profiles", "workflow", "config", "envs", "janus", "kernels", "tests/workflow/kills")
TIER = "tests/workflow/kills/tier.yaml"
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


# Snakemake's lines about a job: the time before each, its start under the number it has in this start, its end.
_STAMP = re.compile(r"\[(\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4})\]")
_STARTED = re.compile(r"Job (\d+): (.*)")
_ENDED = re.compile(r"Finished jobid: (\d+) \(Rule: (\w+)\)")


@dataclass(frozen=True)
class Job:
    """A job: what Snakemake says it does, in words of its own, and when it began; of one that ended its rule too."""

    message: str
    begun: float
    rule: str = ""
    seconds: float | None = None


class Violation(AssertionError):
    """What must not happen whatever is killed."""


# Seconds of a whole run.
_LONGEST = 6 * 3600


class Run:
    """A checkout in which one command is started again and again."""

    def __init__(self, folder: Path, cores: int, targets: Sequence[str] = ("table1",), configfile: str = TIER):
        self.folder = folder
        self.results = folder / "results" / read_yaml(ROOT / configfile)["tier"]
        for part in PARTS:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", ROOT / part, folder / part], check=True)
        words = ["--cores", str(cores), *targets, "--configfile", configfile]
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
        logs = self.results.glob("*/*/seed-*/checkpoints/log.jsonl")
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

    def begin_log(self) -> int:
        """Where the log of the next start begins."""
        return self.log.stat().st_size if self.log.exists() else 0

    def jobs(self, begin: int = 0) -> Iterator["Job"]:
        """The jobs that Snakemake started since a place in its log, from its lines about them."""
        text = self.log.read_bytes()[begin:].decode("utf-8", "replace")
        found: dict[str, Job] = {}
        moment = 0.0
        for line in text.splitlines():
            if stamp := _STAMP.fullmatch(line):
                moment = datetime.strptime(stamp[1], "%a %b %d %H:%M:%S %Y").timestamp()
            elif started := _STARTED.fullmatch(line):
                found[started[1]] = Job(started[2], moment)
            elif (ended := _ENDED.fullmatch(line)) and ended[1] in found:
                found[ended[1]] = replace(found[ended[1]], rule=ended[2], seconds=moment - found[ended[1]].begun)
        yield from found.values()

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


def timed_tables(results: Path) -> set[str]:
    """The tables of a run that show measured times, by the stem of their files."""
    records = {path.stem: json.loads(path.read_text()) for path in results.glob("tables/table*.json")}
    return {name for name, record in records.items() if any(cell.get("latency") for cell in record.get("cells", ()))}


def differences(killed: Path, undisturbed: Path) -> list[str]:
    """Products that differ, or that only one of the two has; tables with measured times need only be there."""
    found = []
    timed = timed_tables(undisturbed)
    for pattern in (*COMPARED, *RECORDS):
        names = {str(path.relative_to(folder)) for folder in (killed, undisturbed) for path in folder.glob(pattern)}
        for name in sorted(names):
            if name.startswith("tables/") and Path(name).stem.partition("-")[0] in timed:
                if not all((side / name).is_file() for side in (killed, undisturbed)):
                    found.append(f"{name} is missing")
                continue
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


class Aim:
    """Which kinds of rules are still to be killed, and moments at which one of them runs."""

    def __init__(self, calm: Run, each: int, draw: random.Random):
        """calm: an undisturbed run, whose log tells the rule of every job and how long it takes."""
        self._each, self._draw = each, draw
        self._known = {job.message: job for job in calm.jobs() if job.rule} if each else {}
        self.killed = Counter(dict.fromkeys((job.rule for job in self._known.values()), 0))

    def missing(self) -> list[str]:
        """The rules that were killed too seldom."""
        return [rule for rule, count in self.killed.items() if count < self._each]

    def running(self, run: Run, begin: int) -> list[str]:
        """The rules of the jobs that the present start has begun and not ended."""
        jobs = [job.message for job in run.jobs(begin) if job.seconds is None]
        return [self._known[message].rule for message in jobs if message in self._known]

    def wait(self, run: Run, begin: int, main: psutil.Popen) -> int | None:
        """Wait for a random moment of a job of a missing rule; the status if `main` ends before."""
        while (status := run.watch(0.05, main)) is None:
            wanted = [rule for rule in self.running(run, begin) if rule in self.missing()]
            if wanted:
                longest = max(job.seconds or 0 for job in self._known.values() if job.rule == wanted[0])
                # The log's clock has whole seconds, and the shortest jobs take less than one.
                return run.watch(self._draw.uniform(0, longest + 0.5), main)
        return status

    def count(self, run: Run, begin: int) -> list[str]:
        """Count the rules that ran when the group was killed, and name them."""
        running = self.running(run, begin)
        self.killed.update(running)
        return running


def kill_many(
    kills: int,
    seed: int,
    folder: Path,
    cores: int = 2,
    undisturbed: Path | None = None,
    targets: Sequence[str] = ("table1",),
    configfile: str = TIER,
    each: int = 0,
) -> dict[str, object]:
    """Make the kills and return what was counted; `differing` and `leftover` must be empty, `compared` not.

    undisturbed: the folder of a run that nobody killed, to compare with; made first where not given. targets: what
    Snakemake is asked for. each: how often every kind of rule is killed before the other kills, which are made until
    there are `kills`; `rules` counts the kinds that ran at a SIGKILL of the group.
    """
    draw = random.Random(seed)
    started = time.monotonic()
    # Copied before anything runs, so that the checkout may change meanwhile.
    run = Run(folder / "killed", cores, targets, configfile)
    calm = Run(undisturbed or folder / "undisturbed", cores, targets, configfile)
    if undisturbed is None and calm.watch(_LONGEST, calm.start()) != 0:
        raise Violation(f"the undisturbed run failed: {calm.tail()}")
    duration = time.monotonic() - started
    aim = Aim(calm, each, draw)
    made: list[tuple[str, str, float]] = []
    differing: list[str] = []
    leftover: list[str] = []
    starts = rounds = resumptions = turns = 0
    while True:
        begin = run.begin_log()
        main = run.start()
        starts += 1
        last = len(made) >= kills and not aim.missing()
        if aim.missing():
            status = aim.wait(run, begin, main)
        else:
            status = run.watch(_LONGEST if last else draw.uniform(1, max(duration / 2, 20)), main)
        if status is None and aim.missing():
            _signal(-main.pid, signal.SIGKILL)
            made.append(("group", "SIGKILL", round(time.monotonic() - started, 1)))
            running = aim.count(run, begin)
            print(f"kill {len(made)}: SIGKILL to the group in {', '.join(running) or 'no rule'}", flush=True)
            if run.watch(600, main) is None:
                raise Violation(f"Snakemake goes on after {made[-1]}: {run.tail()}")
        elif status is None:
            whom, number = WAYS[turns % len(WAYS)]
            while turns % 2 and not run.has_begun() and main.poll() is None:
                time.sleep(0.05)
            target = victim(run, main, whom)
            while target is None and main.poll() is None:
                time.sleep(0.05)
                target = victim(run, main, whom)
            if target is not None and main.poll() is None:
                _signal(target, number)
                made.append((whom, number.name, round(time.monotonic() - started, 1)))
                turns += 1
                print(f"kill {len(made)} of {kills}: {number.name} to the {whom}", flush=True)
            if run.watch(600, main) is None:
                raise Violation(f"Snakemake goes on after {made[-1]}: {run.tail()}")
        elif status == 0:
            rounds += 1
            found = differences(run.results, calm.results)
            differing += found
            resumptions += run.resumptions()
            if len(made) >= kills and not aim.missing():
                break
            if found:
                run.results.rename(folder / f"differing-{rounds}")
            else:
                shutil.rmtree(run.results)
        elif not made or last or aim.missing():
            raise Violation(f"a start failed without a kill: {run.tail()}")
    time.sleep(1)
    leftover += [" ".join(words) for _, words in run.processes()]
    return {
        "kills": made,
        "starts": starts,
        "rounds": rounds,
        "resumptions": resumptions,
        "seconds": round(time.monotonic() - started),
        "rules": dict(aim.killed),
        "timed tables": sorted(timed_tables(calm.results)),
        "compared": sum(len(list(calm.results.glob(pattern))) for pattern in (*COMPARED, *RECORDS)),
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
    parser.add_argument("--undisturbed", type=Path, help="the folder `undisturbed` of an earlier call")
    parser.add_argument("--each", type=int, default=0, metavar="N", help="kill every kind of rule so often")
    parser.add_argument("--configfile", default=TIER, help="the tier; a small one of its own if not given")
    parser.add_argument("--targets", nargs="+", default=["table1"], help="what Snakemake is asked for")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-many.", ignore_cleanup_errors=True) as temporary:
        folder = options.folder or Path(temporary)
        where = {"folder": folder.resolve(), "undisturbed": options.undisturbed}
        what = {"targets": options.targets, "configfile": options.configfile, "each": options.each}
        counted = kill_many(options.kills, options.seed, cores=options.cores, **where, **what)
    print(json.dumps(counted, indent=2))
    sys.exit(1 if counted["differing"] or counted["leftover"] or not counted["compared"] else 0)


if __name__ == "__main__":
    main()
