"""`janus rehearse`: tiers one after the other, and what is said of each."""

import logging
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from janus.config.tiers import read_yaml
from janus.errors import InputError
from janus.files import require_file, require_writable
from janus.rehearsal.run import ROOT, rehearse, this_machine


def rehearse_tiers(
    configfiles: Sequence[Path] | None, folder: Path | None, *, cores: int | None = None, warm: bool = True
) -> None:
    """Rehearse tier files, all of config/ unless given, and print a report of each.

    folder: one below which each tier has its own, kept; else they are temporary. cores: of the processor, all by
    default. Raises InputError where a rehearsal failed, after the last one.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    # fairseq remarks on packages that it would like, when it is imported.
    logging.root.addHandler(logging.NullHandler())
    machine = this_machine()
    machine = replace(machine, cores=cores or machine.cores)
    # Before the first tier, which takes minutes.
    for path in configfiles or ():
        require_file(path, fix="correct the path")
    if folder is not None:
        require_writable(Path(folder) / "log")
    failed = []
    for path in configfiles or tier_files():
        own = None if folder is None else Path(folder) / Path(path).stem
        outcome = rehearse(path, own, machine=machine, warm=warm)
        print("\n".join(outcome.lines()), flush=True)
        if outcome.status:
            failed.append(str(path))
        elif folder is None:
            shutil.rmtree(outcome.log.parent)
    if failed:
        raise InputError("the rehearsal failed", where=", ".join(failed), fix="see the output named above")


def tier_files() -> list[Path]:
    """The files in config/ that name a tier."""
    contents = {path: read_yaml(path) for path in sorted((ROOT / "config").glob("*.yaml"))}
    return [path for path, content in contents.items() if isinstance(content, dict) and "tier" in content]
