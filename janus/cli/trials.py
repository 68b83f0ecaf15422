"""The best of a grid for each row, by validation BLEU.

Examples:
  janus trials results/study-lr-*
  janus trials results/study-lr-* --by lr --updates 1365 --write trials
"""

import argparse
from pathlib import Path

from janus.cli.values import positive, run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "runs", type=run_folder, nargs="+", metavar="RUN", help="folders of the trials' tiers, results/<tier>"
    )
    parser.add_argument("--updates", type=positive, metavar="N", help="count no validation after N updates")
    parser.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="OPTION",
        help="an option of fairseq-train that the grid varies; by default all in which the trials of a row differ",
    )
    parser.add_argument("--write", type=Path, metavar="STEM", help="write the table to STEM.md and STEM.json")


def run(options: argparse.Namespace) -> None:
    """Print the table of trials."""
    from janus.files import require_writable, with_ending
    from janus.report.trials import read_trials, to_markdown, write_trials

    if options.write:
        require_writable(with_ending(options.write, ".md"))
    trials = read_trials(options.runs, options.updates, options.by)
    print("\n".join(to_markdown(trials)))
    if options.write:
        write_trials(trials, options.write)
