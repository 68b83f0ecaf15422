"""Copy the records behind a run's numbers, for publication.

Examples:
  janus evidence results/multi30k-cpu published
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a tier's results, results/<tier>")
    parser.add_argument("target", type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="folder of its logs; by default logs/<tier>")


def run(options: argparse.Namespace) -> None:
    """Copy the records."""
    from janus.records.evidence import gather_evidence

    gather_evidence(options.run, options.logs or Path("logs") / options.run.name, options.target)
