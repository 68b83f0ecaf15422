"""Dialogue scores of trivial replies.

Examples:
  janus floors dialogues.txt --write floors.json
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("dialogues", type=Path, metavar="FILE", help="dialogues, one per line, turns separated by tabs")
    parser.add_argument("--write", type=Path, required=True, metavar="JSON", help="the output file")


def run(options: argparse.Namespace) -> None:
    """Write the scores."""
    from janus.files import require_writable
    from janus.metrics.trivial_baselines import measure_floors

    require_writable(options.write)
    measure_floors(options.dialogues, options.write)
