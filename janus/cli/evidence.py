"""Copy the records behind a run's numbers, for publication.

Examples:
  janus evidence results/multi30k-cpu published
"""

import argparse
from pathlib import Path

from janus.cli.values import run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a tier's results, results/<tier>")
    parser.add_argument("target", type=Path, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--logs", type=Path, metavar="DIR", help="folder of its logs; by default logs/<tier> beside results/, or here"
    )


def run(options: argparse.Namespace) -> None:
    """Copy the records."""
    from janus.records.evidence import gather_evidence

    gather_evidence(options.run, options.logs or _logs_of(options.run), options.target)


def _logs_of(run: Path) -> Path:
    """The logs of results/<tier>: beside the results, or, of a run that was moved, in the working directory."""
    beside = run.parent.parent / "logs" / run.name
    return beside if beside.is_dir() else Path("logs") / run.name
