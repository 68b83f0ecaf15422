"""One rehearsal: a folder with the narrow tier, a mirror, the workflow run in it, and what is said about it."""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from janus.config.run_config import ROOT, load_config
from janus.config.system_entries import with_found_files
from janus.config.tiers import read_yaml
from janus.errors import InputError
from janus.fetching.manifest import Manifest
from janus.planning.jobs import PLANNED
from janus.rehearsal.manifest import narrow_manifest
from janus.rehearsal.narrow import Machine, narrow_tier

# What the workflow reads of its folder, beside the config.
_PARTS = ("Snakefile", "profiles", "workflow", "envs", "janus", "kernels")
_FINISHED = re.compile(r"Finished jobid: \d+ \(Rule: (\w+)\)")
_FAILED = re.compile(r"Error in rule (\w+)")


def this_machine() -> Machine:
    """The GPUs that PyTorch sees, the processor cores that this process may use, and whether pyarrow is installed."""
    import torch

    cores = len(os.sched_getaffinity(0))
    return Machine(torch.cuda.device_count(), cores, importlib.util.find_spec("pyarrow") is not None)


@dataclass
class Outcome:
    """What a rehearsal came to: jobs planned, finished and failed by rule, wall time in seconds, remarks, output."""

    tier: str
    notes: list[str]
    planned: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    status: int = 0
    log: Path | None = None

    def lines(self) -> Iterator[str]:
        """The report: a line for each stage, what was only approximated, and how it ended."""
        yield f"rehearsal of {self.tier}: {self.finished.total()} of {self.planned.total()} jobs, {self.seconds:.0f} s"
        for rule, count in self.planned.items():
            state = "failed" if self.failed[rule] else "done" if self.finished[rule] == count else "not reached"
            yield f"  {rule:<18} {self.finished[rule]:>3} of {count:<3}  {state}"
        for note in self.notes:
            yield f"  approximated: {note}"
        yield f"  {'passed' if not self.status else f'FAILED; the whole output is in {self.log}'}"


def rehearse(configfile: Path, folder: Path | None, *, machine: Machine, warm: bool = True) -> Outcome:
    """Run the whole workflow of a tier in small.

    configfile: a tier, or settings laid over config/demo.yaml, as Snakemake takes them. folder: where everything is
    made, kept afterwards; without one a temporary folder, kept where the rehearsal fails. warm: the tier's `warm_jobs`.
    Raises InputError where the config makes no sense.
    """
    if not (ROOT / "Snakefile").is_file():
        raise InputError("no workflow beside the package", where=ROOT, fix="rehearse from a clone of the project")
    config = load_config([Path(configfile)])
    tier, systems, manifest = config.tier, config.systems, config.manifest
    folder = Path(folder or tempfile.mkdtemp(prefix=f"rehearsal-{tier['tier']}-")).resolve()
    notes = _lay_out(folder, tier | {"warm_jobs": warm}, systems, manifest, machine)
    outcome = Outcome(tier["tier"], notes, log=folder / "rehearsal.log")
    with _mirror(folder / "mirror") as address:
        _run(outcome, folder, [sys.executable, "-m", "snakemake", *_words(machine, address)])
    return outcome


def _lay_out(
    folder: Path, tier: Mapping[str, Any], systems: Mapping[str, Any], manifest: Manifest, machine: Machine
) -> list[str]:
    """Write the config and the mirror of the rehearsal, and link the workflow into the folder; returns the remarks."""
    config = folder / "config"
    try:
        config.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be created ({error.strerror})", where=folder, fix="name another folder") from error
    for part in _PARTS:
        if not (folder / part).exists():
            (folder / part).symlink_to(ROOT / part)
    narrow, notes = narrow_tier(tier, systems, manifest, machine)
    content, more = narrow_manifest(narrow, manifest, folder / "mirror", parquet=machine.parquet)
    narrow |= {"systems_file": "config/systems.yaml", "corpora_file": "config/corpora.yaml", "systems": {}}
    narrow["claims_file"] = str(Path(tier["claims_file"]).resolve())
    systems = {
        **with_found_files(read_yaml(Path(tier["systems_file"])), Path(tier["systems_file"]).parent),
        **with_found_files(tier["systems"], Path()),
    }
    for name, value in (("corpora", content), ("systems", systems), ("tier", narrow)):
        text = yaml.dump(value, Dumper=_Plain, allow_unicode=True, sort_keys=False)
        (config / f"{name}.yaml").write_text(text, encoding="utf-8")
    return notes + more


class _Plain(yaml.SafeDumper):
    """YAML without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@contextmanager
def _mirror(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP on this machine; yields the address."""
    folder.mkdir(exist_ok=True)
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Say nothing: the downloads have logs of their own."""


def _words(machine: Machine, mirror: str) -> list[str]:
    words = ["all", "--cores", str(machine.cores), "--keep-going", "--retries", "0", "--scheduler", "greedy"]
    words += ["--configfile", "config/tier.yaml", "--config", f"mirror={mirror}"]
    return words + ["--resources", f"gpu={machine.gpus}"]


def _run(outcome: Outcome, folder: Path, command: list[str]) -> None:
    """Run Snakemake and count what it says of its jobs."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(":")}
    # The mirror is on this machine, whatever proxy leads out of it.
    environment |= {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    begun = time.monotonic()
    with open(outcome.log, "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            for line in process.stdout:
                log.write(line)
                log.flush()
                _count(outcome, line)
        except BaseException:
            # What it started dies with it.
            process.kill()
            raise
        finally:
            outcome.status = process.wait()
    outcome.seconds = time.monotonic() - begun


def _count(outcome: Outcome, line: str) -> None:
    for pattern, counts in ((_FINISHED, outcome.finished), (_FAILED, outcome.failed)):
        if found := pattern.search(line):
            counts[found[1]] += 1
    found = PLANNED.match(line.rstrip())
    if found and found[1] != "total" and not outcome.finished:
        outcome.planned[found[1]] = int(found[2])
