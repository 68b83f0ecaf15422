"""Run a tier's whole workflow at small scale: synthetic data, narrow models.

Examples:
  janus rehearse
  janus rehearse --configfile config/paper.yaml --cores 2
"""

import argparse
from pathlib import Path

from janus.cli.values import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--configfile", type=Path, nargs="+", metavar="TIER", help="tier files; by default all in config/"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="working folder, which is kept; by default a temporary one"
    )
    parser.add_argument("--cores", type=positive, metavar="N", help="CPU cores; by default all")
    parser.add_argument("--cold", action="store_true", help="start every job in a fresh Python (`warm_jobs: false`)")


def run(options: argparse.Namespace) -> None:
    """Rehearse the tiers one after another."""
    from janus.rehearsal.command import rehearse_tiers

    rehearse_tiers(options.configfile, options.folder, cores=options.cores, warm=not options.cold)
