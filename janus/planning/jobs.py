"""The jobs of a tier, as Snakemake plans them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from janus.config.run_config import ROOT
from janus.errors import InputError

# A line of Snakemake's table of jobs.
PLANNED = re.compile(r"^(\w+) +(\d+)$")


def planned_jobs(
    files: Sequence[Path],
    words: Sequence[str],
    *,
    target: str = "all",
    accept: Iterable[str] = (),
    done: bool = False,
) -> dict[str, int]:
    """Jobs by rule of a target of the workflow, were nothing made yet; nothing is started.

    files, words: as after Snakemake's --configfile and --config. accept: terms that count as accepted. done: leave out
    the jobs that are done in the working folder.
    Raises InputError with what Snakemake says where it cannot plan.
    """
    if not (ROOT / "Snakefile").is_file():
        raise InputError("no workflow beside the package", where=ROOT, fix="plan from a clone of the project")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1", "--nolock"]
    command += ["--dry-run", "--quiet", "rules", *([] if done else ["--forceall"])]
    # The last one that names a key counts.
    given = [*words, *([f"accept=[{', '.join(accept)}]"] if accept else [])]
    command += ["--config", *given] if given else []
    command += ["--configfile", *map(str, files)] if files else []
    said = subprocess.run(
        [*command, "--", target],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(":")},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = (said.stdout + said.stderr).splitlines()
    if said.returncode:
        told = [line for line in lines if "error" in line.lower()] or lines[-1:] or ["nothing"]
        raise InputError(f"cannot be planned: {told[0]}", where=target, fix="see `snakemake -n`")
    found = (PLANNED.match(line.rstrip()) for line in lines)
    return {match[1]: int(match[2]) for match in found if match and match[1] not in ("total", target)}
