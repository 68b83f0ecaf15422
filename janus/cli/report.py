"""Write the page of a run: status, claims, tables, figures, audit, and where each number comes from.

One HTML file that needs no network and no other file, and a ZIP of it with its data and the records behind it. A run
that is under way is shown as far as its tables are rendered.

Examples:
  janus report results/demo
  janus report results/reference/small-cpu --configfile config/small-cpu.yaml --write /tmp/small
"""

import argparse
from pathlib import Path

from janus.cli.values import run_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("run", type=run_folder, metavar="RUN", help="folder of a tier's results, results/<tier>")
    parser.add_argument(
        "--configfile", type=Path, metavar="TIER", help="the tier's file, which says what was planned; by default "
        "config/<tier>.yaml"
    )  # fmt: skip
    parser.add_argument(
        "--write", type=Path, metavar="STEM", help="write STEM.html and STEM.zip; by default RUN/report/<tier>"
    )


def run(options: argparse.Namespace) -> None:
    """Write the page."""
    from janus.config.run_config import config_of_run, configfile_of
    from janus.files import require_writable, with_ending
    from janus.report.page.plan import command_of, planned_rows
    from janus.report.page.write import write_page

    stem = options.write or options.run / "report" / options.run.name
    page, archive = (with_ending(stem, f".{kind}") for kind in ("html", "zip"))
    require_writable(page)
    configfile = options.configfile or configfile_of(options.run.name)
    planned, command = None, ""
    if options.configfile or configfile.is_file():
        config = config_of_run(options.run, configfile)
        planned = planned_rows(config.tier, config.systems)
        command = command_of(config.tier["tier"], [configfile])
    data = write_page(options.run, page, archive, planned=planned, command=command)
    rows = data["status"]["rows"]
    print(f"{page}: {data['status']['done']} of {len(rows)} rows finished, {len(data['numbers'])} numbers")
    print(archive)
