"""Runs the scripts of rules as Snakemake does, without a workflow around them."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Runs a rule's script as Snakemake does, with no file longer than a limit where one is given.
PROGRAM = """
import builtins, json, resource, runpy, sys
from types import SimpleNamespace


class Named(list):
    def __init__(self, files):
        super().__init__(files.values())
        self.__dict__.update(files)


job = json.loads(sys.argv[2])
named = {key: Named(job[key]) for key in ("input", "output", "wildcards")}
builtins.snakemake = SimpleNamespace(
    **named, params=SimpleNamespace(**job["params"]), log=[job["log"]], threads=1, config=job["config"]
)
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
if job["limit"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
runpy.run_path(sys.argv[1])
"""


def run_script(script, output, folder, *, limit=0, config=None, **job):
    """The finished process of workflow/scripts/<script>.py.

    output: paths by name. job: inputs, parameters and wildcards by name. Its log is in `folder`. limit: the longest
    file that it may write, in bytes; 0 for none.
    """
    job |= {"output": {name: str(path) for name, path in output.items()}, "log": str(folder / "log"), "limit": limit}
    job["config"] = {"device": "cpu"} | (config or {})
    command = [sys.executable, "-c", PROGRAM, str(ROOT / f"workflow/scripts/{script}.py"), json.dumps(job)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
