"""Copy a run's finished rows, without checkpoints, to go on elsewhere.

Examples:
  janus keep results/study /backup/study
"""

import argparse
from pathlib import Path

from janus.cli.values import run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a tier's results, results/<tier>")
    parser.add_argument("target", type=Path, metavar="DIR", help="a folder that may hold rows of the same revision")


def run(options: argparse.Namespace) -> None:
    """Copy the rows, and print their folders."""
    from janus.records.kept_rows import keep_rows

    for row in keep_rows(options.run, options.target):
        print(row)
