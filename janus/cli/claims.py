"""Test the paper's claims on a run.

Examples:
  janus claims results/demo
  janus claims results/multi30k-cpu --write results/multi30k-cpu/claims
"""

import argparse
from pathlib import Path

from janus.cli.values import run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a tier's results, results/<tier>")
    parser.add_argument(
        "--configfile", type=Path, metavar="TIER", help="the tier's file; by default config/<tier>.yaml"
    )
    parser.add_argument(
        "--write", type=Path, metavar="STEM", help="write the table and the plot to STEM.md, STEM.svg, …"
    )


def run(options: argparse.Namespace) -> None:
    """Print the table of claims."""
    from janus.claims.command import claims_of_run

    print(claims_of_run(options.run, options.configfile, options.write), end="")
