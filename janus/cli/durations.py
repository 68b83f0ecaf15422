"""How long each part of a run took.

Examples:
  janus durations logs/demo
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("logs", type=Path, metavar="DIR", help="folder of a tier's logs, logs/<tier>")


def run(options: argparse.Namespace) -> None:
    """Print the durations as Markdown."""
    from janus.records.durations import durations, to_markdown

    print("\n".join(to_markdown(durations(options.logs))))
