"""Look whether this machine has what a tier needs, and say for each missing thing how to get it.

One line each: ok, warning (it works, but slowly or not everywhere), or missing. The exit status is 1 if something is
missing. Nothing is downloaded or changed.

Examples:
  janus doctor
  janus doctor --configfile config/paper.yaml --config mirror=/data/mirror
"""

import argparse
import sys

from janus.cli.values import add_config_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_config_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 if something is missing."""
    from janus.doctor.command import examine
    from janus.doctor.findings import lines_of, wants_colour

    missing = False
    for finding in examine(options.configfile, options.config):
        print(*lines_of([finding], coloured=wants_colour(sys.stdout)), flush=True)
        missing = missing or finding.state == "missing"
    return int(missing)
