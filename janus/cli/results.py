"""Write the results of a run as a page of Markdown: claims, tables, figures, what it cost, what it does not show.

It is for evidence that is tracked beside the page, whose pictures it links; `janus report` makes a page to send.

Examples:
  janus results results/reference/study --write docs/results.md
"""

import argparse
from pathlib import Path

from janus.cli.values import run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "run", type=run_folder, metavar="RUN", help="folder of a run, results/<tier>, or of its evidence"
    )
    parser.add_argument(
        "--configfile", type=Path, metavar="TIER", help="the tier's file; by default config/<tier>.yaml"
    )
    parser.add_argument("--write", type=Path, required=True, metavar="FILE", help="the page")


def run(options: argparse.Namespace) -> None:
    """Write the page."""
    from janus.config.run_config import config_of_run
    from janus.files import require_writable
    from janus.report.results_page import write_results

    require_writable(options.write)
    write_results(options.run, config_of_run(options.run, options.configfile), options.write)
    print(options.write)
