"""Check the decoded files of a run for degenerate outputs; status 1 if there are any.

Examples:
  janus vital-signs results/demo
"""

import argparse
import sys

from janus.cli.values import run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a tier's results, results/<tier>")


def run(options: argparse.Namespace) -> int:
    """Print the table of signs; 1 if an output is degenerate."""
    from janus.report.vital_signs import markdown, signs_of_run, summary

    decoded = signs_of_run(options.run)
    print(markdown(decoded))
    if line := summary(decoded, "above"):
        print(line, file=sys.stderr)
    return int(bool(line))
