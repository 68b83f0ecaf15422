"""Change the core one place at a time and see whether a test of the same area fails (`make mutants`; docs/mutants.md).

Everything that is no part of this project is imported once; each change is tried in a fork of that process, which loads
the changed file in the place of the real one. Nothing on the disk is changed. Outcomes are appended to a file as they
come, so that a run that was stopped goes on where it was. Tests that start processes of their own see no change there.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib.abc
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from mutation.changes import Change, changes_of

ROOT = Path(__file__).parents[2]
PATTERNS = ["noise/*", "model/*", "methods/*", "methods/base/*", "decoding/*", "metrics/*"]
MODEL = ["tests/model/test_transformer.py", "tests/model/test_streams.py", "tests/model/test_initialise.py"]
# The tests of a module's area, quick ones first, by the beginning of its path: the longest that fits.
TESTS = {
    "model/streams": ["tests/model/test_streams.py", "tests/golden"],
    "noise/masks": ["tests/noise"],
    "noise/denoising": ["tests/noise/test_denoising.py"],
    "methods/base/joint_loss": ["tests/methods/base/test_joint_loss.py", "tests/test_recipes.py", "tests/golden"],
    "model/ragged": ["tests/model/test_ragged.py", "tests/model/test_attention.py", *MODEL],
    "decoding/beam": ["tests/golden", "tests/decoding/test_beam.py"],
    "decoding/mask_predict": [
        "tests/golden",
        "tests/decoding/test_mask_predict.py",
        "tests/decoding/test_length_beam.py",
    ],
    "decoding": ["tests/decoding"],
    "model": [*MODEL, "tests/model/test_checkpoints.py", "tests/golden"],
    "model/attention": ["tests/model/test_attention.py", "tests/kernels/test_poison.py"],
    "model/flops": ["tests/model/test_flops.py"],
    "model/bart": ["tests/model/test_bart.py"],
    "model/config": ["tests/model/test_checkpoints.py"],
    "model/dropout": ["tests/model/test_dropout.py"],
    "model/checkpoints": [
        "tests/model/test_checkpoints.py",
        "tests/model/test_bart.py",
        "tests/decoding/test_driver.py",
    ],
    "model/averaging": ["tests/model/test_checkpoints.py", "tests/model/test_saving.py"],
    "model/incremental": ["tests/model/test_incremental.py", "tests/golden"],
}
# What tests of all areas import from elsewhere; imported before the forks.
_HEAVY = ["fairseq", "fairseq.models", "fairseq.tasks", "fairseq.criterions", "nltk", "rouge_score.rouge_scorer"]
_HEAVY += ["sacrebleu", "safetensors.torch", "scipy.stats", "torch", "tqdm", "pandas", "torch.utils.flop_counter"]


def tests_of(module: str) -> list[str]:
    """Of a module such as `decoding/beam`: those listed, or the file of the same name."""
    fitting = [name for name in TESTS if module == name or module.startswith(f"{name}/")]
    if fitting:
        return TESTS[max(fitting, key=len)]
    folder, _, name = module.rpartition("/")
    own = Path("tests") / folder / f"test_{name}.py"
    return [str(own) if (ROOT / own).exists() else str(own.parent)]


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a text."""

    def __init__(self, name: str, path: Path, text: str):
        self.name, self.path, self.text = name, path, text

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def exec_module(self, module) -> None:
        exec(compile(self.text, str(self.path), "exec"), module.__dict__)


def _fork(module: str, text: str, tests: list[str], seconds: float, log: Path) -> str:
    """Run the tests on a text of the module: `survived`, `timeout`, or the name of the first test that failed."""
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.meta_path.insert(0, _Changed(f"janus.{module.replace('/', '.')}", ROOT / f"janus/{module}.py", text))
        options = ["-x", "-q", "--no-header", "--tb=no", "-rfE", "-p", "no:cacheprovider", "--import-mode=importlib"]
        status = pytest.main([*options, *tests])
        sys.stdout.flush()
        os._exit(int(status))
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return "survived" if status == 0 else _first_failure(log)
            time.sleep(0.02)
        return "timeout"
    finally:
        # Whatever the tests left running, also where this process is told to end.
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _first_failure(log: Path) -> str:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.split()[1]
    return "the process"


def _key(module: str, source: str, change: Change) -> str:
    """Names a change as long as its file stays the same."""
    return hashlib.blake2b(f"{module}\n{source}\n{change.start} {change.end} {change.new}".encode()).hexdigest()[:20]


def _chosen(module: str, changes: list[Change], share: float) -> list[Change]:
    """A sample that is the same in each run; a larger one holds the smaller."""
    shuffled = random.Random(module).sample(changes, len(changes))
    return sorted(shuffled[: round(share * len(changes))], key=lambda change: change.start)


def run(modules: list[str], share: float, again: bool, outcomes: Path, log: Path) -> dict[str, dict[str, str]]:
    """Outcomes by module and change; what `outcomes` holds is not tried again, survivors only if `again`."""
    known = {}
    if outcomes.exists():
        lines = outcomes.read_text(encoding="utf-8").splitlines()
        known = {entry["key"]: entry["outcome"] for entry in map(json.loads, lines)}
    results: dict[str, dict[str, str]] = {}
    for module in modules:
        source, tests = (ROOT / f"janus/{module}.py").read_text(), tests_of(module)
        results[module] = {}
        limit = None
        for change in _chosen(module, changes_of(source), share):
            key = _key(module, source, change)
            outcome = known.get(key)
            if outcome is None or (again and outcome == "survived"):
                limit = limit or _unchanged(module, source, tests, log)
                outcome = _fork(module, change.apply(source), tests, limit, log)
                entry = {"key": key, "module": module, "change": str(change), "outcome": outcome}
                with outcomes.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(entry) + "\n")
            results[module][str(change)] = outcome
            if outcome == "survived":
                print(f"{module}:{change}", flush=True)
    return results


def _unchanged(module: str, source: str, tests: list[str], log: Path) -> float:
    """The time limit of a change, from a run without one, which must pass."""
    begin = time.monotonic()
    outcome = _fork(module, source, tests, 1200, log)
    if outcome != "survived":
        sys.exit(f"{module}: {outcome} fails without any change; its output is in {log}")
    return 30 + 8 * (time.monotonic() - begin)


def main() -> None:
    """Run, print each survivor as it is found, and at the end a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="such as noise/masks or model/attention; by default all of the core")
    parser.add_argument("--share", type=float, default=1.0, help="of the changes of each module")
    parser.add_argument("--again", action="store_true", help="try those that survived before again")
    parser.add_argument("--outcomes", type=Path, default=ROOT / "results/mutants/outcomes.jsonl")
    options = parser.parse_args()
    files = sorted(path for pattern in PATTERNS for path in (ROOT / "janus").glob(f"{pattern}.py"))
    modules = options.modules or [str(path.relative_to(ROOT / "janus").with_suffix("")) for path in files]
    modules = [module for module in modules if not module.endswith("__init__")]
    options.outcomes.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; what was tried is kept"))
    os.chdir(ROOT)
    # Triton is imported before tests/kernels can ask for its interpreter.
    if not torch.cuda.is_available():
        os.environ["TRITON_INTERPRET"] = "1"
    for name in _HEAVY:
        importlib.import_module(name)
    # What the forks share is not looked through again in each of them.
    gc.freeze()
    results = run(modules, options.share, options.again, options.outcomes, options.outcomes.with_name("last-test.log"))
    gc.unfreeze()
    print("| module | changes | noticed | timeout | survived |\n|---|---:|---:|---:|---:|")
    for module, outcomes in results.items():
        number = Counter("noticed" if o not in ("survived", "timeout") else o for o in outcomes.values())
        print(f"| {module} | {len(outcomes)} | {number['noticed']} | {number['timeout']} | {number['survived']} |")


if __name__ == "__main__":
    main()
