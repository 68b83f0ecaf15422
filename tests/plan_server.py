"""Plans workflows in forks of a Python that has imported Snakemake and PyTorch, which takes longer than most plans.

Only third-party modules are imported before: each plan reads the project's own from the folder that it is given.
"""

import atexit
import importlib
import io
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_MODULES = ("torch", "pandas", "scipy.special", "jsonschema", "yaml", "tqdm", "regex", "snakemake.cli")


def plan(words: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What `python -m snakemake WORDS`, a dry run, gives in `folder`: the status, and both streams as stdout."""
    server = _server()
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as output:
        request = {"words": words, "folder": str(folder), "environment": dict(environment), "output": output.name}
        print(json.dumps(request), file=server.stdin, flush=True)
        return subprocess.CompletedProcess(words, int(server.stdout.readline()), output.read())


@cache
def _server() -> subprocess.Popen:
    started = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    # It ends with its standard input.
    atexit.register(started.stdin.close)
    return started


def _serve() -> None:
    for name in _MODULES:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(words: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    """Make this process `python -m snakemake WORDS`."""
    with open(output, "wb") as file, open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8")
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), "utf-8", line_buffering=True)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["snakemake", *words]
    status = 1
    try:
        sys.modules["snakemake.cli"].main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
