"""Put kept rows back into the results of a run.

Examples:
  janus restore /backup/study results/study
"""

import argparse
from pathlib import Path

from janus.cli.values import run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("kept", type=Path, metavar="DIR", help="what `janus keep` made")
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a tier's results, its corpora prepared")


def run(options: argparse.Namespace) -> None:
    """Copy the rows back, and print their folders."""
    from janus.records.kept_rows import restore_rows

    for row in restore_rows(options.kept, options.run):
        print(row)
